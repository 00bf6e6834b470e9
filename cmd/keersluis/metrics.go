package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/keersluis/keersluis/logging"
	"github.com/keersluis/keersluis/proxy"
	"github.com/keersluis/keersluis/resolver"
)

// metrics counts what passes on its way to the log, and reads what the parts count themselves. No label ever holds a
// host, a client or a role. Nor a category: who watches such a counter sees which colleague came back from where.
type metrics struct {
	server    *server
	registry  *prometheus.Registry
	exchanges *prometheus.CounterVec
	bytes     *prometheus.CounterVec
	readings  []reading
}

func newMetrics(s *server) *metrics {
	m := &metrics{
		server:   s,
		readings: readings(),
		registry: prometheus.NewRegistry(),
		exchanges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keersluis_exchanges_total", Help: "Finished exchanges.",
		}, []string{"door", "outcome"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keersluis_bytes_total", Help: "Bytes of bodies, from the client (up) and to it (down).",
		}, []string{"door", "direction"}),
	}
	m.registry.MustRegister(m.exchanges, m.bytes, m, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Record counts an exchange and hands it to the log.
func (m *metrics) Record(e logging.Event) {
	m.exchanges.WithLabelValues(e.Door, e.Outcome.String()).Inc()
	m.bytes.WithLabelValues(e.Door, "up").Add(float64(e.Up))
	m.bytes.WithLabelValues(e.Door, "down").Add(float64(e.Down))
	m.server.store.Record(e)
}

// reading is one number that a part counts itself.
type reading struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*snapshotOfStats) float64
}

// snapshotOfStats is what the parts counted, at one moment.
type snapshotOfStats struct {
	log     logging.Stats
	proxy   proxy.Stats
	live    int
	dns     resolver.Stats
	entries int
}

func counter(name, help string, value func(*snapshotOfStats) float64) reading {
	return reading{prometheus.NewDesc("keersluis_"+name, help, nil, nil), prometheus.CounterValue, value}
}

func gauge(name, help string, value func(*snapshotOfStats) float64) reading {
	return reading{prometheus.NewDesc("keersluis_"+name, help, nil, nil), prometheus.GaugeValue, value}
}

func readings() []reading {
	return []reading{
		counter("log_recorded_total", "Exchanges in the traffic log.", func(s *snapshotOfStats) float64 { return float64(s.log.Recorded) }),
		counter("log_lost_total", "Exchanges that the traffic log lost.", func(s *snapshotOfStats) float64 { return float64(s.log.Lost) }),
		gauge("log_bytes", "Size of the traffic log on disk.", func(s *snapshotOfStats) float64 { return float64(s.log.Bytes) }),
		gauge("log_days", "Days in the traffic log.", func(s *snapshotOfStats) float64 { return float64(s.log.Days) }),
		gauge("log_troubled", "1 while the traffic log can't be written.", func(s *snapshotOfStats) float64 { return truth(s.log.Trouble != "") }),
		gauge("lists_entries", "Entries of the lists in force.", func(s *snapshotOfStats) float64 { return float64(s.entries) }),
		gauge("proxy_connections", "Client connections of the proxy.", func(s *snapshotOfStats) float64 { return float64(s.live) }),
		counter("proxy_refused_total", "Client connections refused over the limit.", func(s *snapshotOfStats) float64 { return float64(s.proxy.Refused) }),
		counter("proxy_failed_total", "Requests for which the origin gave no answer.", func(s *snapshotOfStats) float64 { return float64(s.proxy.Failed) }),
		counter("proxy_malformed_total", "Requests that could not be read.", func(s *snapshotOfStats) float64 { return float64(s.proxy.Malformed) }),
		counter("proxy_challenged_total", "Requests answered with 407.", func(s *snapshotOfStats) float64 { return float64(s.proxy.Challenged) }),
		counter("proxy_inspected_total", "Tunnels that were opened.", func(s *snapshotOfStats) float64 { return float64(s.proxy.Inspected) }),
		counter("proxy_spliced_total", "Tunnels that were passed on unread.", func(s *snapshotOfStats) float64 { return float64(s.proxy.Spliced) }),
		counter("proxy_mismatched_total", "Requests for another host than their tunnel's.", func(s *snapshotOfStats) float64 { return float64(s.proxy.Mismatched) }),
		counter("proxy_foreign_total", "Tunnels with a protocol that is not carried.", func(s *snapshotOfStats) float64 { return float64(s.proxy.Foreign) }),
		counter("panics_total", "Requests and queries that ended in a panic.", func(s *snapshotOfStats) float64 { return float64(s.proxy.Panics + s.dns.Panics) }),
		counter("dns_udp_total", "Queries over UDP.", func(s *snapshotOfStats) float64 { return float64(s.dns.UDP) }),
		counter("dns_tcp_total", "Queries over TCP.", func(s *snapshotOfStats) float64 { return float64(s.dns.TCP) }),
		counter("dns_blocked_total", "Queries that the policy blocked.", func(s *snapshotOfStats) float64 { return float64(s.dns.Blocked) }),
		counter("dns_failed_total", "Queries that no upstream answered.", func(s *snapshotOfStats) float64 { return float64(s.dns.Failed) }),
		counter("dns_dropped_total", "Queries dropped while too many waited.", func(s *snapshotOfStats) float64 { return float64(s.dns.Dropped) }),
		counter("dns_cache_hits_total", "Queries answered from the cache.", func(s *snapshotOfStats) float64 { return float64(s.dns.CacheHits) }),
		counter("dns_cache_misses_total", "Queries that needed an upstream.", func(s *snapshotOfStats) float64 { return float64(s.dns.CacheMisses) }),
		gauge("dns_cache_bytes", "Memory of the cache.", func(s *snapshotOfStats) float64 { return float64(s.dns.CacheBytes) }),
		counter("dns_upstream_failures_total", "Queries to upstreams without a useful answer.", func(s *snapshotOfStats) float64 { return float64(s.dns.UpstreamFailures) }),
		counter("dns_near_misses_total", "Messages that looked like an upstream's answer and were not.", func(s *snapshotOfStats) float64 { return float64(s.dns.NearMisses) }),
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Describe is part of [prometheus.Collector].
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, r := range m.readings {
		out <- r.desc
	}
}

// Collect is part of [prometheus.Collector].
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	now := m.server.stats()
	for _, r := range m.readings {
		out <- prometheus.MustNewConstMetric(r.desc, r.kind, r.value(now))
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
