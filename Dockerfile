# One image; the command picks web, worker, beat or a management command. It holds no secret, and starting
# it migrates nothing: run `python manage.py migrate` once before a release, as compose.yaml does.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

WORKDIR /app

COPY requirements.txt .
RUN pip install --root-user-action=ignore -r requirements.txt

COPY . .
RUN useradd --system --uid 10001 --no-create-home xrouter \
    && install -d -o xrouter -g xrouter var \
    && python -m compileall -q accounts billing gateway xrouter_site \
    && SECRET_KEY=for-this-step-alone DATABASE_URL=sqlite:////tmp/none python manage.py collectstatic --noinput

USER 10001
EXPOSE 8000
# gunicorn waits for running streams: give it more time to stop than UPSTREAM_TOTAL_TIMEOUT and 30 seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os; from urllib.parse import urlsplit; from urllib.request import Request, urlopen; urlopen(Request('http://127.0.0.1:' + (os.environ.get('PORT') or '8000') + '/health', headers={'Host': urlsplit(os.environ.get('PUBLIC_URL') or 'http://localhost').netloc}), timeout=4)"]
CMD ["gunicorn", "xrouter_site.wsgi", "-c", "gunicorn.conf.py"]
