# The production image: one for web, worker and beat. Sandbox images are others (sandbox_images/).
ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS build
SHELL ["/bin/sh", "-ec"]
ENV DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates gettext nodejs npm python3 python3-venv tzdata
WORKDIR /opt/yunlian
COPY uv.requirements requirements.lock package.json package-lock.json .npmrc ./
RUN python3 -m venv /opt/uv \
 && /opt/uv/bin/pip install -q --require-hashes --only-binary :all: -r uv.requirements \
 && python3 -m venv --without-pip .venv \
 && /opt/uv/bin/uv pip sync -q --python .venv/bin/python --require-hashes --compile-bytecode --no-cache requirements.lock
RUN npm ci --ignore-scripts --omit=dev
COPY . .
RUN find certification community config courses labs -name '*.po' \
      -exec sh -ec 'msgfmt --check-format -o "${1%.po}.mo" "$1"' _ {} \; \
 && .venv/bin/python -m compileall -q certification community config courses labs

FROM ${DEBIAN}
RUN export DEBIAN_FRONTEND=noninteractive \
 && apt-get update \
 && apt-get install -y --no-install-recommends \
      ca-certificates fonts-dejavu-core fonts-noto-cjk fonts-noto-color-emoji \
      libharfbuzz-subset0 libharfbuzz0b libpango-1.0-0 libpangoft2-1.0-0 python3 tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 yunlian \
 && useradd --uid 10001 --gid yunlian --home-dir /var/lib/yunlian --no-create-home --shell /usr/sbin/nologin yunlian
COPY --from=build /opt/yunlian /opt/yunlian
WORKDIR /opt/yunlian
ENV PATH=/opt/yunlian/.venv/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    DJANGO_SETTINGS_MODULE=config.settings.prod \
    YUNLIAN_VAR=/var/lib/yunlian \
    PYTHONUNBUFFERED=1
USER yunlian
EXPOSE 8000
CMD ["uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--ws", "auto", \
     "--ws-max-size", "262144", "--ws-per-message-deflate", "false", "--lifespan", "off", "--timeout-graceful-shutdown", "10", \
     "--proxy-headers", "--no-access-log"]
