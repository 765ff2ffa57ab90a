"""Which roots a connection trusts: the usual ones, an operator's alone, Russia's for Sber alone."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from gateway.providers._shared.causes import cause_of
from gateway.providers._shared.tls import client_context
from gateway.providers.gigachat.roots import NATIONAL_ROOT, extra_roots
from tests.providers.certificates import make_certificate

FINGERPRINT = "d26d2d0231b7c39f92cc738512ba54103519e4405d68b5bd703e9788ca8ecf31"


def _subjects(context: ssl.SSLContext) -> str:
    return str([certificate["subject"] for certificate in context.get_ca_certs()])


def test_the_national_root_is_the_published_one_and_is_named_in_the_docs():
    root = x509.load_pem_x509_certificate(NATIONAL_ROOT.read_bytes())
    assert root.fingerprint(hashes.SHA256()).hex() == FINGERPRINT
    written = Path("docs/security.md").read_text().replace(":", "").lower()
    assert FINGERPRINT in written


@pytest.mark.parametrize(
    ("url", "is_trusted"),
    [
        ("https://ngw.devices.sberbank.ru:9443/api/v2/oauth", True),
        ("https://api.giga.chat/v1", True),
        ("https://notsberbank.ru/v1", False),
        ("https://sberbank.ru.example.com/v1", False),
        ("https://llm.api.cloud.yandex.net", False),
    ],
)
def test_only_hosts_of_sber_get_the_national_root(url: str, is_trusted: bool):
    context = client_context(extra_roots=extra_roots(url))
    assert ("Russian Trusted Root CA" in _subjects(context)) is is_trusted


def test_a_bundle_of_the_operators_is_all_that_is_trusted(tmp_path: Path):
    bundle = make_certificate(tmp_path)
    context = client_context(str(bundle), extra_roots=(NATIONAL_ROOT,))
    assert len(context.get_ca_certs()) == 1


def test_the_variable_of_openssl_is_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(make_certificate(tmp_path)))
    assert "Canned" in _subjects(client_context())


def test_a_cause_names_the_remedy():
    untrusted = ssl.SSLCertVerificationError("self-signed certificate in certificate chain")
    assert "GIGACHAT_CA_BUNDLE_FILE" in cause_of(untrusted, host="api.giga.chat")
    wrapped = OSError("Max retries exceeded")
    wrapped.__cause__ = ConnectionRefusedError()
    assert "nobody listens" in cause_of(wrapped, host="api.giga.chat")
