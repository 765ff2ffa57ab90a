# One image; the command picks web, worker, beat or a management command. It holds no secret, and starting
# it migrates nothing: run `python manage.py migrate` once before a release, as compose.yaml does.
# A release pins the base by its digest: --build-arg PYTHON=python:3.11-slim-bookworm@sha256:…
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends gcc libc6-dev
COPY requirements.txt requirements-fast.txt /
# Every file must have the hash that is named for it; yookassa and gunicorn's parser are published as source.
RUN python -m venv /venv \
    && /venv/bin/pip install --require-hashes --only-binary :all: --no-binary yookassa -r /requirements.txt \
    && /venv/bin/pip install --require-hashes -r /requirements-fast.txt \
    && /venv/bin/pip uninstall --yes pip setuptools
COPY . /app
WORKDIR /app
RUN mkdir var \
    && /venv/bin/python -m compileall -q accounts billing gateway infra sandbox web xrouter_site \
    && SECRET_KEY=for-this-step-alone DATABASE_URL=sqlite:////tmp/none /venv/bin/python manage.py collectstatic --noinput

FROM ${PYTHON}
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home xrouter
COPY --from=build /venv /venv
COPY --from=build /app /app
RUN chown xrouter:xrouter /app/var
WORKDIR /app
USER 10001
EXPOSE 8000
# gunicorn waits for running streams: give it more time to stop than UPSTREAM_TOTAL_TIMEOUT and 30 seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os; from urllib.request import urlopen; urlopen('http://127.0.0.1:' + (os.environ.get('PORT') or '8000') + '/health/live', timeout=4)"]
CMD ["gunicorn", "xrouter_site.wsgi", "-c", "gunicorn.conf.py"]
