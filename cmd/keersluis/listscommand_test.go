package main

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/keersluis/keersluis/filter"
)

// The hosts that hardly any list should hold are hosts, and our own starter lists block none of them.
func TestWellKnown(t *testing.T) {
	hosts, err := topHosts("")
	if err != nil || len(hosts) < 50 {
		t.Fatalf("topHosts = %d hosts, %v", len(hosts), err)
	}
	s, err := load(paths{data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.searchLists(t.Context(), hosts...)
	if err != nil || len(found.Unread) > 0 {
		t.Fatal(err, found.Unread)
	}
	for _, h := range found.Hits {
		if h.Category != filter.NeverInspect && h.Path == "" {
			t.Errorf("%s:%d blocks %s", h.List, h.Line, h.Host)
		}
	}
}

// What search says of an exception is what the policy does.
func TestListedException(t *testing.T) {
	s, err := load(paths{data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	hits := []listHit{{Category: "gambling"}, {Category: "malware"}, {Category: "gambling"}}
	for _, test := range []struct {
		exception filter.Exception
		opens     string
		expired   bool
	}{
		{filter.Exception{}, "[gambling]", false}, // malware is final
		{filter.Exception{Categories: []filter.Category{"malware"}}, "[malware]", false},
		{filter.Exception{Categories: []filter.Category{"porn"}}, "[]", false},
		{filter.Exception{Until: now}, "[]", true},
		{filter.Exception{Until: now.Add(1)}, "[gambling]", false},
	} {
		got := s.listed(test.exception, hits, now)
		if fmt.Sprint(got.Opens) != test.opens || got.Expired != test.expired {
			t.Errorf("listed(%+v) opens %v, expired %t, want %s, %t", test.exception, got.Opens, got.Expired, test.opens, test.expired)
		}
	}
}

func TestAge(t *testing.T) {
	var got []string
	for _, d := range []time.Duration{-time.Second, 59 * time.Second, time.Minute, 119 * time.Minute, 2 * time.Hour, 47 * time.Hour, 49 * time.Hour} {
		got = append(got, age(d))
	}
	if want := []string{"0s", "59s", "1m", "119m", "2h", "47h", "2d"}; !slices.Equal(got, want) {
		t.Errorf("age = %q, want %q", got, want)
	}
}
