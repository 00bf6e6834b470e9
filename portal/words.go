package portal

import "github.com/keersluis/keersluis/proxy/page"

// words is one language.
type words struct {
	Fine, Wrong, Lead              string
	Program, Version, Started      string
	Policy, Digest, Loaded         string
	Lists, Entries, NoLists, Older string
	Log, Mode                      string
	Recorded, Lost, Oldest, None   string
	FilesTitle, Privacy            string
	Files                          []link
}

// wordsOf returns the words of lang.
func wordsOf(lang page.Lang) *words {
	if lang == page.English {
		return &english
	}
	return &dutch
}

var dutch = words{
	Fine:       "Het webfilter werkt",
	Wrong:      "Het webfilter heeft aandacht nodig",
	Lead:       "Dit is de toestand van Keersluis, het webfilter van deze organisatie.",
	Program:    "Programma",
	Version:    "Versie",
	Started:    "Gestart",
	Policy:     "Regeling",
	Digest:     "Kenmerk",
	Loaded:     "Geladen",
	Lists:      "Lijsten",
	Entries:    "regels",
	NoLists:    "Er zijn geen lijsten geladen.",
	Older:      "Een oudere versie is in gebruik:",
	Log:        "Logboek",
	Mode:       "Wijze",
	Recorded:   "Vastgelegd sinds de start",
	Lost:       "Gemist sinds de start",
	Oldest:     "Oudste dag",
	None:       "geen",
	FilesTitle: "Bestanden",
	Privacy:    "Deze pagina toont geen personen en geen bezochte websites.",
	Files: []link{
		{"/proxy.pac", "Proxyconfiguratie voor browsers (PAC)"},
		{"/ca.pem", "Rootcertificaat (PEM)"},
		{"/ca.der", "Rootcertificaat (DER)"},
		{"/crl", "Ingetrokken certificaten (CRL)"},
		{"/healthz", "Gezondheid, voor bewaking"},
		{"/metrics", "Meetwaarden, voor Prometheus"},
	},
}

var english = words{
	Fine:       "The web filter is working",
	Wrong:      "The web filter needs attention",
	Lead:       "This is the state of Keersluis, the web filter of this organisation.",
	Program:    "Program",
	Version:    "Version",
	Started:    "Started",
	Policy:     "Regulation",
	Digest:     "Digest",
	Loaded:     "Loaded",
	Lists:      "Lists",
	Entries:    "entries",
	NoLists:    "No lists are loaded.",
	Older:      "An older version is in use:",
	Log:        "Log",
	Mode:       "Mode",
	Recorded:   "Recorded since the start",
	Lost:       "Missed since the start",
	Oldest:     "Oldest day",
	None:       "none",
	FilesTitle: "Files",
	Privacy:    "This page shows no persons and no visited websites.",
	Files: []link{
		{"/proxy.pac", "Proxy configuration for browsers (PAC)"},
		{"/ca.pem", "Root certificate (PEM)"},
		{"/ca.der", "Root certificate (DER)"},
		{"/crl", "Revoked certificates (CRL)"},
		{"/healthz", "Health, for monitoring"},
		{"/metrics", "Measurements, for Prometheus"},
	},
}
