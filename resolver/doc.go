// Package resolver is the DNS door: it answers queries over UDP and TCP, forwards what it does not know, and asks the
// gate about every name, every alias and every address before a client sees it.
//
// It is a forwarder with a cache, not a recursor: it walks no delegation and trusts the upstreams it was given. It does
// not validate DNSSEC (it clears AD), does not know who a client is beyond the lookup it was handed, and keeps no
// record of a query but the exchange it ends at the gate. It is the only importer of github.com/miekg/dns, and
// uses it only for answers of upstreams: queries are read, and answers from the cache written, on the bytes themselves.
//
// # What it answers itself
//
//   - A blocked name: NXDOMAIN, an SOA to bound how long that is remembered, and Extended DNS Error 15 (RFC 8914) with
//     the category when the query had an OPT record. So too when an alias or an address in the answer is blocked.
//   - use-application-dns.net, mask.icloud.com, mask-h2.icloud.com: NXDOMAIN, which asks browsers and systems to keep
//     to this resolver. resolver.arpa: NODATA (RFC 9462 §6.5).
//   - localhost and below: the loopback addresses (RFC 6761 §6.3). invalid, onion, alt: NXDOMAIN (RFC 6761 §6.4, RFC
//     7686, RFC 9476). The names test, local and internal are forwarded: organisations use them.
//   - Reverse names of private and other special addresses: NXDOMAIN (RFC 6303).
//   - ANY: one HINFO record (RFC 8482).
//   - Names that no host may have (spaces, other bytes, a numeric last label), other classes than IN, transfers, and
//     queries that don't desire recursion: REFUSED. The last would show one client what another looked up. Of the root,
//     NS, SOA, DS and DNSKEY are forwarded, outside the gate: they are about no host.
package resolver
