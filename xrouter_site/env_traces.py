"""OpenTelemetry's own variables. Its SDK would pass over a wrong one with a warning in the log.

Source of the names: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from xrouter_site import env, env_addresses

EXPORTER = "OTEL_EXPORTER_OTLP"
SAMPLERS_OF_A_SHARE = ("TRACEIDRATIO", "PARENTBASED_TRACEIDRATIO")
SAMPLERS = (
    *("ALWAYS_ON", "ALWAYS_OFF", "PARENTBASED_ALWAYS_ON", "PARENTBASED_ALWAYS_OFF"),
    *SAMPLERS_OF_A_SHARE,
)
LIMITS = (
    *("ATTRIBUTE_COUNT", "ATTRIBUTE_VALUE_LENGTH"),
    *("SPAN_ATTRIBUTE_COUNT", "SPAN_ATTRIBUTE_VALUE_LENGTH", "SPAN_EVENT_COUNT", "SPAN_LINK_COUNT"),
    *("EVENT_ATTRIBUTE_COUNT", "LINK_ATTRIBUTE_COUNT"),
)


def url() -> str:
    """Return where the traces go; or none."""
    base = env_addresses.address(f"{EXPORTER}_ENDPOINT", is_base=True)
    for names in (EXPORTER, f"{EXPORTER}_TRACES"):
        env.seconds(f"{names}_TIMEOUT", 10)
        env.word(f"{names}_PROTOCOL", "http/protobuf", ("http/protobuf",))
        env.choice(f"{names}_COMPRESSION", "NONE", ("NONE", "GZIP", "DEFLATE"))
        for file in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"):
            if (path := env.text(f"{names}_{file}")) and not env.is_file(path):
                env.refuse(f"{names}_{file}", "write the path of a PEM file that can be read.")
        _judge_pairs(f"{names}_HEADERS", is_secret=True)
    _judge_pairs("OTEL_RESOURCE_ATTRIBUTES", is_secret=False)
    for limit in LIMITS:
        env.whole(f"OTEL_{limit}_LIMIT", 0, minimum=0)
    _judge_batches()
    _judge_sampler()
    is_wanted = env.word("OTEL_TRACES_EXPORTER", "otlp", ("otlp", "none")) == "otlp"
    if env.flag("OTEL_SDK_DISABLED") or not is_wanted:
        return ""
    if env_addresses.address(f"{EXPORTER}_TRACES_ENDPOINT"):
        return env.text(f"{EXPORTER}_TRACES_ENDPOINT")  # to the letter, its last slash too
    return f"{base}/v1/traces" if base else ""


def _judge_pairs(name: str, *, is_secret: bool) -> None:
    if not all("=" in pair.strip("=") for pair in env.words(name)):
        env.refuse(name, "write name=value, comma separated.", is_secret=is_secret)


def _judge_batches() -> None:
    env.whole("OTEL_BSP_SCHEDULE_DELAY", 1)
    env.whole("OTEL_BSP_EXPORT_TIMEOUT", 1)
    queue = env.whole("OTEL_BSP_MAX_QUEUE_SIZE", 2048)
    if env.whole("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512) > queue:
        env.refuse(
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            f"write no more than OTEL_BSP_MAX_QUEUE_SIZE, which is {queue}.",
        )


def _judge_sampler() -> None:
    sampler = env.choice("OTEL_TRACES_SAMPLER", "PARENTBASED_ALWAYS_ON", SAMPLERS)
    if sampler not in SAMPLERS_OF_A_SHARE:
        return
    try:
        is_share = 0 <= float(env.text("OTEL_TRACES_SAMPLER_ARG", "1")) <= 1
    except ValueError:
        is_share = False
    if not is_share:
        env.refuse("OTEL_TRACES_SAMPLER_ARG", "write a share from 0 to 1, such as 0.1.")
