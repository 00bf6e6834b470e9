package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keersluis/keersluis/filter"
	"github.com/keersluis/keersluis/identity"
	"github.com/keersluis/keersluis/yamlfile"
)

// check adds to doc what is wrong with values that stand in relation to something else.
func (s *settings) check(doc *yamlfile.Document) {
	for i, l := range s.Lists {
		at := fmt.Sprintf("lists[%d]", i)
		s.checkCategory(doc, at+".category", l.Category)
		if err := s.source(l).Validate(); err != nil {
			doc.Problemf(at, "%s", oneLine(err))
		}
	}
	for i, n := range s.Networks {
		at := fmt.Sprintf("networks[%d]", i)
		s.checkDevice(doc, at+".device", n.Device)
		s.checkRoles(doc, at+".roles", n.Roles)
	}
	for i, u := range s.Users {
		s.checkRoles(doc, fmt.Sprintf("users[%d].roles", i), u.Roles)
	}
	for i, file := range s.TLS.Roots {
		if _, err := readRoots(file); err != nil {
			doc.Problemf(fmt.Sprintf("tls.roots[%d]", i), "%s", oneLine(err))
		}
	}
	if s.Portal.URL != "" {
		if u, err := url.Parse(s.Portal.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			doc.Problemf("portal.url", "%q is not a URL, such as http://keersluis.gemeente.example:8480", s.Portal.URL)
		}
	}
	for key, other := range map[string]listenAddr{"resolver.listen": s.Resolver.Listen, "portal.listen": s.Portal.Listen} {
		if other == s.Proxy.Listen && !strings.HasSuffix(string(other), ":0") {
			doc.Problemf(key, "%s is the address of proxy.listen; each needs its own", other)
		}
	}
	for i, p := range s.PAC.Proxies {
		if p.Host.IsZero() && p.Port != 0 {
			doc.Problemf(fmt.Sprintf("pac.proxies[%d]", i), "needs the name or address under which browsers reach the proxy")
		}
	}
	if s.Proxy.Grace < 0 || s.Proxy.Grace > 10*time.Minute {
		doc.Problemf("proxy.grace", "wants a time from 0s to 10m")
	}
	_, err := s.directory(nil)
	if problems, ok := errors.AsType[identity.Problems](err); ok {
		for _, p := range problems {
			doc.Problemf(p.Path, "%s", p.Reason)
		}
	}
}

// checkRoles refuses roles that the policy doesn't have. Without a readable policy there is nothing to compare with.
func (s *settings) checkRoles(doc *yamlfile.Document, at string, roles []filter.Role) {
	if s.policy == nil {
		return
	}
	for i, r := range roles {
		if known := s.policy.Roles(); !slices.Contains(known, r) {
			doc.Problemf(fmt.Sprintf("%s[%d]", at, i), "%s", yamlfile.Unknown("role", string(r), words(known)))
		}
	}
}

func (s *settings) checkCategory(doc *yamlfile.Document, at string, c filter.Category) {
	if s.policy == nil || c == "" {
		return
	}
	if known := s.policy.Categories(); !slices.Contains(known, c) {
		doc.Problemf(at, "%s", yamlfile.Unknown("category", string(c), words(known)))
	}
}

func (s *settings) checkDevice(doc *yamlfile.Document, at string, d filter.Device) {
	if known := filter.Devices(); d != filter.DeviceUnknown && !slices.Contains(known, d) {
		doc.Problemf(at, "%s", yamlfile.Unknown("device class", string(d), words(known)))
	}
}

// words returns names as plain strings.
func words[T ~string](names []T) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = string(n)
	}
	return out
}
