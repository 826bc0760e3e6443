# syntax=docker/dockerfile:1
# Two stages: the first has what building needs, the second only what running needs.
# The image runs as an ordinary user with a read-only root; everything it writes is under /var/lib/xbt or /tmp:
#   docker run --read-only --tmpfs /tmp --volume xbt:/var/lib/xbt IMAGE xbt init
#   docker run --read-only --tmpfs /tmp --volume xbt:/var/lib/xbt --publish 127.0.0.1:8000:8000 IMAGE

FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
RUN python -m venv /opt/xbt
WORKDIR /build
COPY requirements/build.txt requirements/lock.txt requirements/
RUN /opt/xbt/bin/pip install --require-hashes --no-build-isolation --requirement requirements/build.txt \
    && /opt/xbt/bin/pip install --require-hashes --no-build-isolation --requirement requirements/lock.txt
COPY pyproject.toml README.md LICENSE .gitignore ./
COPY tools/build_messages.py tools/build_messages.py
COPY spectra spectra
COPY library library
COPY xbt xbt
COPY alerts alerts
COPY web web
RUN /opt/xbt/bin/pip install --no-build-isolation --no-deps . \
    && /opt/xbt/bin/python -m compileall -q /opt/xbt/lib

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin xbt \
    && install --directory --owner=xbt --group=xbt --mode=0700 /var/lib/xbt
COPY --from=build /opt/xbt /opt/xbt
COPY LICENSE /usr/share/doc/xbt/LICENSE
ENV PATH=/opt/xbt/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    XDG_CACHE_HOME=/tmp/cache \
    XBT_DATA_DIR=/var/lib/xbt
USER 10001
WORKDIR /var/lib/xbt
VOLUME /var/lib/xbt
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4).close()"]
CMD ["xbt", "serve", "--host", "0.0.0.0"]
