// Package policy reads the organisation's regulation: one YAML file, policy.yaml, that says which roles there are, what
// happens to each category of site, which hosts are excepted and until when, how traffic is logged, and whom an employee can
// turn to. It becomes a [Policy]: the values that the packages below take.
//
// The built-in regulation, default.yaml in this folder, shows and explains every key. A file is laid over it: what it doesn't
// mention stays as it is there. A regulation may not loosen what the law of this product fixes: the traffic log is kept for
// six months at most, and what is named as never inspected is not inspected.
//
// The package does not decide about requests, and it holds nothing about a machine: listeners, lists, networks and users
// are in keersluis.yaml.
package policy
