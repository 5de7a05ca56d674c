# Peerage as a small image: built with the toolchain of the workspace, run as nobody in particular. It listens for other machines, so it
# starts only with TLS and with knowing who calls (README, Doors):
#   docker run -v ./tls:/tls:ro -v ./peerage.toml:/etc/peerage.toml:ro -e PEERAGE_CONFIG=/etc/peerage.toml
#     -e PEERAGE_API__TLS__CERTIFICATE=/tls/tls.crt -e PEERAGE_API__TLS__KEY=/tls/tls.key peerage
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package peerage

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/peerage peerage
COPY --from=build /src/target/release/peerage /usr/local/bin/peerage
USER peerage
WORKDIR /var/lib/peerage
ENV PEERAGE_API__LISTEN=0.0.0.0:2114 \
    PEERAGE_DATA__DIR=/var/lib/peerage/data
VOLUME /var/lib/peerage
EXPOSE 2114
STOPSIGNAL SIGTERM
ENTRYPOINT ["peerage"]
CMD ["serve"]
