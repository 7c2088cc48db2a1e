# 两阶段构建: wheels are gathered and built first; the second image holds what was installed, only.

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.lock requirements-build.lock ./
RUN pip install --require-hashes --only-binary :all: -r requirements-build.lock \
 && pip download --require-hashes --only-binary :all: -r requirements.lock -d /wheels
COPY pyproject.toml README.md LICENSE ./
COPY alembic alembic
COPY keys keys
COPY schema schema
COPY src src
RUN pip wheel --no-deps --no-build-isolation -w /wheels .

FROM python:3.11-slim-bookworm
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --disable-pip-version-check --no-index --no-deps /wheels/*.whl \
 && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin zwhub \
 && install -d -o zwhub -g zwhub -m 0700 /data
ENV ZWHUB_DATA_DIR=/data
WORKDIR /data
VOLUME /data
USER zwhub
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
ENTRYPOINT ["zwhub"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
