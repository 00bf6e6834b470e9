package filter

import (
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"
)

// What is not asked of the public suffix list is what that list would say. Labels that are a rule below one domain
// are likely to be one below another, so all that occur are tried below all.
func TestICANNSuffix(t *testing.T) {
	labels := strings.Fields(`example eu www city co com ac gov org net edu mil nom biz info name gob gouv gv go or ne sch school
		k12 lib priv press presse police plc ltd nhs business internet tourism ponpes agric grondar nieruchomosci friuliveneziagiulia
		huissier-justice santamaria gyeongnam ivano-frankivsk chirurgiens-dentistes experts-comptables campidano-medio florianopolis`)
	for _, tld := range strings.Fields(`com net org biz app bet bid cam cfd dev fun icu lat lol one sbs sex top vip win xxx xyz cc cf
		ch cz de eu ga gq nl ru su tk tv at be ca cl cn co es gg io ir mx pw to us ws au me tw id in ml pro ro uk vn za br fr pl it kr ua
		int aero amsterdam buzz casino click cloud club cyou digital forum garden host info jobs life link live mobi monster museum name
		online pics porn shop site space store tech travel vlaanderen website work world`) {
		for _, label := range labels {
			for _, first := range append(labels, "") {
				name := strings.TrimPrefix(first+"."+label+"."+tld, ".")
				suffix, icann := publicsuffix.PublicSuffix(name)
				if icann && suffix == name && !isICANNSuffix([]byte(name)) {
					t.Errorf("%s is a public suffix", name)
				}
			}
		}
	}
}

func TestAddressIsNoSuffix(t *testing.T) {
	s, complaints, err := Compile(List{Name: "x", Category: "proxy-avoidance", Entries: func(yield func(Entry) bool) {
		_ = yield(Entry{Line: 1, Host: []byte("2606:4700:4700::1111")}) && yield(Entry{Line: 2, Host: []byte("9.9.9.9")})
	}})
	if err != nil || len(complaints) != 0 || s.Len() != 2 {
		t.Errorf("Compile of two addresses: %d entries, %v, %v", s.Len(), complaints, err)
	}
}
