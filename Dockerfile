# Build: compiles the contracts and bundles the program.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install --no-save --no-audit --no-fund --ignore-scripts
COPY bin bin
COPY scripts scripts
COPY proofs proofs
COPY src src
RUN mkdir -p dist && node scripts/contracts.mjs && node scripts/build.mjs

# What runs beside the bundle: native modules and what was left outside of it.
FROM node:24-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install --no-save --no-audit --no-fund --ignore-scripts --omit=dev

# Debian's ffmpeg has NVENC/NVDEC (libraries come with the container runtime), VAAPI and QSV; the drivers for the last two are here.
FROM node:24-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ffmpeg fonts-dejavu-core util-linux bubblewrap libva-drm2 mesa-va-drivers \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/bin bin
COPY package.json LICENSE README.md ./
RUN install -d -o node -g node -m 0700 /data
USER node
ENV FISHERMAN_DATA_DIR=/data NODE_ENV=production
VOLUME /data
EXPOSE 7935 7936
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch('http://127.0.0.1:7936/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "bin/fisherman.mjs"]
CMD ["run", "--config", "/config/fisherman.yaml"]
