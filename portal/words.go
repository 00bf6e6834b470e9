package portal

import "github.com/keersluis/keersluis/proxy/page"

// words is one language.
type words struct {
	Fine, Wrong, Lead              string
	ListsWrong                     counted
	Problems                       [problemKinds]counted
	MissingList, LastGoodList      string // "{list}" is its name
	Cause                          string // where to find it: a page for everybody does not tell
	Program, Version, Started      string
	Policy, Name, NoName           string
	Digest, Loaded                 string
	Lists, NoLists                 string
	Entries                        counted
	Of, BuiltIn, Missing, LastGood string // Of comes before a moment
	Log, Mode                      string
	Recorded, Lost, Oldest, None   string
	FilesTitle, Privacy            string
	Keys                           map[string]string // words for what the program calls its doors and its ways of logging
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
	Lead:       "Op deze pagina ziet u hoe het gaat met Keersluis, het webfilter van deze organisatie.",
	ListsWrong: counted{"Het webfilter werkt, maar 1 lijst heeft aandacht nodig", "Het webfilter werkt, maar {n} lijsten hebben aandacht nodig"},
	Problems: [problemKinds]counted{
		LogUnwritable: {more: "Het logboek kan nu niet worden bijgewerkt."},
		LogLost: {
			"Sinds de start is 1 aanvraag niet in het logboek gekomen.",
			"Sinds de start zijn {n} aanvragen niet in het logboek gekomen.",
		},
		LogDamaged: {
			"1 bestand van het logboek was beschadigd en is apart gezet.",
			"{n} bestanden van het logboek waren beschadigd en zijn apart gezet.",
		},
		ClockJumped: {more: "De klok van de server is versprongen. Er wordt niets uit het logboek gewist totdat de klok weer goed staat. " +
			"Staat de klok al goed? Dan kan de beheerder dat bevestigen met keersluis log confirm-clock."},
		CAEnding: {
			"Het CA-certificaat verloopt binnen 1 dag. Maak een nieuw certificaat en zet het op alle apparaten.",
			"Het CA-certificaat verloopt binnen {n} dagen. Maak een nieuw certificaat en zet het op alle apparaten.",
		},
		CAEnded: {more: "Het CA-certificaat is verlopen. Maak een nieuw certificaat en zet het op alle apparaten."},
	},
	MissingList:  "De lijst {list} is niet geladen. Wat alleen op deze lijst staat, herkent het webfilter niet.",
	LastGoodList: "De lijst {list} kon niet worden vernieuwd. De laatste goede versie blijft in gebruik.",
	Cause:        "De beheerder vindt de oorzaak in de meldingen van het programma.",
	Program:      "Programma",
	Version:      "Versie",
	Started:      "Gestart",
	Policy:       "Regeling",
	Name:         "Naam",
	NoName:       "zonder naam",
	Digest:       "Kenmerk van de lijsten",
	Loaded:       "Geladen",
	Lists:        "Lijsten",
	NoLists:      "Er zijn geen lijsten geladen.",
	Entries:      counted{"1 regel", "{n} regels"},
	Of:           "van",
	BuiltIn:      "ingebouwd",
	Missing:      "Niet geladen: van deze lijst is niets in gebruik.",
	LastGood:     "Niet vernieuwd: de laatste goede versie blijft in gebruik.",
	Log:          "Logboek",
	Mode:         "Manier van vastleggen",
	Recorded:     "Vastgelegd sinds de start",
	Lost:         "Gemist sinds de start",
	Oldest:       "Oudste dag",
	None:         "geen",
	FilesTitle:   "Bestanden",
	Privacy:      "Deze pagina toont geen personen en geen bezochte websites.",
	Keys: map[string]string{
		"proxy":        "Webproxy",
		"resolver":     "DNS-server",
		"portal":       "Dit portaal",
		"pseudonymous": "pseudoniem",
		"off":          "uit: er wordt alleen geteld",
	},
	Files: []link{
		{"/proxy.pac", "Proxyconfiguratie voor browsers (PAC)"},
		{"/ca.pem", "Rootcertificaat (PEM)"},
		{"/ca.der", "Rootcertificaat (DER)"},
		{"/crl", "Ingetrokken certificaten (CRL)"},
		{"/healthz", "Toestand, voor bewakingssoftware"},
		{"/metrics", "Meetgegevens, voor Prometheus"},
	},
}

var english = words{
	Fine:       "The web filter is working",
	Wrong:      "The web filter needs attention",
	Lead:       "This page shows how Keersluis is doing, the web filter of this organisation.",
	ListsWrong: counted{"The web filter is working, but 1 list needs attention", "The web filter is working, but {n} lists need attention"},
	Problems: [problemKinds]counted{
		LogUnwritable: {more: "The traffic log can't be written now."},
		LogLost: {
			"The traffic log lost 1 exchange since the start.",
			"The traffic log lost {n} exchanges since the start.",
		},
		LogDamaged: {
			"1 file of the traffic log was damaged and is set aside.",
			"{n} files of the traffic log were damaged and are set aside.",
		},
		ClockJumped: {more: "The clock of the server jumped. Nothing of the traffic log is deleted until the clock is right again. " +
			"Is it right already? Then the administrator can confirm that with keersluis log confirm-clock."},
		CAEnding: {
			"The CA certificate ends within 1 day. Make a new certificate and put it on all devices.",
			"The CA certificate ends within {n} days. Make a new certificate and put it on all devices.",
		},
		CAEnded: {more: "The CA certificate has ended. Make a new certificate and put it on all devices."},
	},
	MissingList:  "The list {list} is not loaded. The web filter does not recognise what is only on this list.",
	LastGoodList: "The list {list} could not be renewed. The last good version stays in use.",
	Cause:        "The administrator finds the cause in the messages of the program.",
	Program:      "Program",
	Version:      "Version",
	Started:      "Started",
	Policy:       "Regulation",
	Name:         "Name",
	NoName:       "without a name",
	Digest:       "Digest of the lists",
	Loaded:       "Loaded",
	Lists:        "Lists",
	NoLists:      "No lists are loaded.",
	Entries:      counted{"1 entry", "{n} entries"},
	Of:           "from",
	BuiltIn:      "built in",
	Missing:      "Not loaded: nothing of this list is in use.",
	LastGood:     "Not renewed: the last good version stays in use.",
	Log:          "Log",
	Mode:         "Way of recording",
	Recorded:     "Recorded since the start",
	Lost:         "Missed since the start",
	Oldest:       "Oldest day",
	None:         "none",
	FilesTitle:   "Files",
	Privacy:      "This page shows no persons and no visited websites.",
	Keys: map[string]string{
		"proxy":        "Web proxy",
		"resolver":     "DNS server",
		"portal":       "This portal",
		"pseudonymous": "pseudonymous",
		"off":          "off: things are only counted",
	},
	Files: []link{
		{"/proxy.pac", "Proxy configuration for browsers (PAC)"},
		{"/ca.pem", "Root certificate (PEM)"},
		{"/ca.der", "Root certificate (DER)"},
		{"/crl", "Revoked certificates (CRL)"},
		{"/healthz", "State, for monitoring software"},
		{"/metrics", "Measurements, for Prometheus"},
	},
}
