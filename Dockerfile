# The image holds one static binary, the system's root certificates and a folder for data; nothing runs as root and the
# root file system may be read-only:
#
#   docker build -t keersluis .
#   docker run --read-only -v keersluis:/var/lib/keersluis -p 3128:3128 -p 53:5300/udp -p 53:5300 -p 8480:8480 keersluis
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=development
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/keersluis ./cmd/keersluis \
    && mkdir -p /out/data && cp docs/container.yaml /out/keersluis.yaml

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/keersluis /keersluis
COPY --from=build /out/keersluis.yaml /etc/keersluis/keersluis.yaml
COPY --from=build --chown=65532:65532 --chmod=0700 /out/data /var/lib/keersluis
USER 65532:65532
VOLUME /var/lib/keersluis
EXPOSE 3128 5300/udp 5300/tcp 8480
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s CMD ["/keersluis", "health", "--config", "/etc/keersluis/keersluis.yaml"]
ENTRYPOINT ["/keersluis"]
CMD ["serve", "--config", "/etc/keersluis/keersluis.yaml"]
