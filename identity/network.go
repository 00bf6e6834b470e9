package identity

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/keersluis/keersluis/filter"
)

// networkTable finds the smallest network that holds an address, with one map look-up for each prefix length in use.
type networkTable struct {
	networks map[netip.Prefix]Network
	bits4    []int // lengths in use, longest first
	bits6    []int
}

func newNetworkTable(networks []Network, ps *Problems) networkTable {
	t := networkTable{networks: make(map[netip.Prefix]Network, len(networks))}
	first := make(map[netip.Prefix]int, len(networks))
	for i, n := range networks {
		path := fmt.Sprintf("networks[%d]", i)
		if n.Device != filter.DeviceUnknown && !slices.Contains(filter.Devices(), n.Device) {
			ps.add(path+".device", "unknown device class; known are %v", filter.Devices())
		}
		p, err := canonicalPrefix(n.Prefix)
		if err != nil {
			ps.add(path+".cidr", "%v", err)
			continue
		}
		if j, ok := first[p]; ok {
			ps.add(path+".cidr", "the same network as networks[%d]", j)
			continue
		}
		first[p] = i
		t.networks[p] = Network{Prefix: p, Device: n.Device, Roles: union(n.Roles, nil)}
		t.addBits(p)
	}
	return t
}

func (t *networkTable) addBits(p netip.Prefix) {
	lengths := &t.bits6
	if p.Addr().Is4() {
		lengths = &t.bits4
	}
	i, ok := slices.BinarySearchFunc(*lengths, p.Bits(), func(have, want int) int { return want - have })
	if !ok {
		*lengths = slices.Insert(*lengths, i, p.Bits())
	}
}

// find returns the smallest network that holds a, which is not an IPv4 address mapped into IPv6.
func (t *networkTable) find(a netip.Addr) (Network, bool) {
	lengths := t.bits6
	if a.Is4() {
		lengths = t.bits4
	}
	for _, bits := range lengths {
		if p, err := a.Prefix(bits); err == nil {
			if n, ok := t.networks[p]; ok {
				return n, true
			}
		}
	}
	return Network{}, false
}

// canonicalPrefix returns p with mapped IPv4 as IPv4. It refuses bits beyond the mask: they are mostly a typing error.
func canonicalPrefix(p netip.Prefix) (netip.Prefix, error) {
	if !p.IsValid() {
		return p, fmt.Errorf("no network; write it as 10.1.2.0/24")
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf("a network of mapped addresses has a length of 96 or more")
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	if m := p.Masked(); m != p {
		return p, fmt.Errorf("has bits beyond its length; the network is %v", m)
	}
	return p, nil
}

// union returns the roles of a and b, each once, in a slice of its own.
func union(a, b []filter.Role) []filter.Role {
	all := make([]filter.Role, 0, len(a)+len(b))
	for _, roles := range [2][]filter.Role{a, b} {
		for _, r := range roles {
			if !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
	}
	return all
}
