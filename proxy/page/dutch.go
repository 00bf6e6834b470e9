package page

import "github.com/keersluis/keersluis/filter"

var dutch = words{
	sayings: [problemCount]saying{
		Blocked: {
			"Deze website is geblokkeerd",
			"%s laat deze website niet toe op dit netwerk.",
			[]string{
				"Hebt u deze website nodig voor uw werk? Vraag de servicedesk om een uitzondering.",
				"Hoort de website niet in deze categorie? Meld dat ook: dan kijken we het na.",
				"Kwam u hier per ongeluk? Dan hoeft u niets te doen. Ga terug naar de vorige pagina.",
			},
		},
		DownloadBlocked: {
			"Deze download is geblokkeerd",
			"Software downloaden en installeren doen bij %s alleen de applicatiebeheerders.",
			[]string{
				"Hebt u dit bestand nodig voor uw werk? Vraag een applicatiebeheerder om de software te installeren, of neem contact op met de servicedesk.",
				"Is dit geen software? Meld dat: dan kijken we het na.",
			},
		},
		InternalAddress: {
			"Dit adres is niet bereikbaar via internet",
			"De naam leidt naar een adres binnen een afgeschermd netwerk. %s laat dat niet toe, omdat een website zo in het interne netwerk zou kunnen komen.",
			[]string{
				"Is dit een systeem van de organisatie zelf? Laat de servicedesk het adres als intern opgeven.",
				"Kent u dit adres niet? Dan hoeft u niets te doen.",
			},
		},
		AuthenticationRequired: {
			"Meld u aan om verder te gaan",
			"%s vraagt op dit netwerk om een gebruikersnaam en wachtwoord voordat u internet gebruikt.",
			[]string{
				"Laad de pagina opnieuw en vul uw eigen gebruikersnaam en wachtwoord in.",
				"Lukt het niet, of vraagt een programma er steeds om? Neem contact op met de servicedesk.",
			},
		},
		BadRequest: {
			"Deze aanvraag kon niet worden gelezen",
			"De browser of het programma stuurde een aanvraag die onvolledig is, of die op meer dan één manier te lezen is. Daarom is zij niet doorgestuurd.",
			[]string{
				"Controleer het adres op tikfouten en probeer het opnieuw.",
				"Blijft dit gebeuren? Geef de servicedesk door met welk programma.",
			},
		},
		DNSFailure: {
			"Deze website is niet gevonden",
			"Bij deze naam is geen adres gevonden.",
			[]string{
				"Controleer het adres op tikfouten.",
				"Klopt het adres? Probeer het over een paar minuten opnieuw.",
			},
		},
		ConnectionRefused: {
			"Deze website neemt geen verbinding aan",
			"De naam klopt, maar de server erachter geeft geen bruikbaar antwoord.",
			[]string{
				"Probeer het over een paar minuten opnieuw.",
				"Werkt de website buiten dit netwerk wel? Neem contact op met de servicedesk.",
			},
		},
		Timeout: {
			"Deze website antwoordt niet op tijd",
			"De server is gevonden, maar er kwam te lang geen antwoord.",
			[]string{
				"Probeer het over een paar minuten opnieuw.",
				"Werkt de website buiten dit netwerk wel? Neem contact op met de servicedesk.",
			},
		},
		CertificateProblem: {
			"De beveiliging van deze website klopt niet",
			"De website kan niet bewijzen dat zij is wie zij zegt te zijn. Uw gegevens zouden bij een ander terecht kunnen komen. Daarom is er geen verbinding gemaakt.",
			[]string{
				"Vul hier geen wachtwoord of andere gegevens in, ook niet via een ander netwerk.",
				"Wacht tot de eigenaar van de website dit heeft hersteld. Is er haast bij? Neem contact op met de servicedesk.",
			},
		},
		ProxyError: {
			"Er ging bij ons iets mis",
			"Het webfilter van %s kon deze aanvraag niet afhandelen. De website zelf heeft hier niets mee te maken.",
			[]string{
				"Laad de pagina opnieuw.",
				"Blijft dit gebeuren? Neem contact op met de servicedesk.",
			},
		},
		ShuttingDown: {
			"Even geduld",
			"Het webfilter van %s wordt opnieuw gestart. Dat duurt meestal minder dan een minuut.",
			[]string{"Wacht even en laad de pagina opnieuw."},
		},
	},
	details: [detailCount]string{
		CertificateExpired:       "Het certificaat van de website is verlopen.",
		CertificateNotYetValid:   "Het certificaat van de website is nog niet geldig.",
		CertificateUnknownIssuer: "Het certificaat is uitgegeven door een partij die niet wordt vertrouwd.",
		CertificateWrongHost:     "Het certificaat is van een andere website.",
		CertificateRevoked:       "Het certificaat van de website is ingetrokken.",
		CertificateWeak:          "Het certificaat gebruikt versleuteling die te zwak is.",
		HandshakeFailed:          "De website biedt geen beveiligde verbinding die hier kan worden gebruikt.",
		NameUnknown:              "De naam bestaat niet.",
		NameServerFailed:         "De naamserver van de website geeft een fout.",
		NameTimeout:              "De naamserver van de website antwoordt niet.",
		HostUnreachable:          "Er is geen route naar de server.",
		ConnectionBroken:         "De server verbrak de verbinding voordat er een antwoord was.",
		ResponseTimeout:          "De server nam de verbinding aan, maar bleef daarna stil.",
		ResponseMalformed:        "De server stuurde iets terug dat geen geldig antwoord is.",
	},
	categories: map[filter.Category]string{
		"porn":            "Porno en erotiek",
		"gambling":        "Gokken",
		"hate":            "Haat, racisme en geweld",
		"software":        "Software en downloads",
		"proxy-avoidance": "Omzeilen van het webfilter",
		"malware":         "Schadelijke software en oplichting",
	},
	kinds: map[string]string{
		"executable":        "Programma",
		"installer":         "Installatiebestand",
		"package":           "Softwarepakket of uitbreiding",
		"script":            "Script",
		"disk-image":        "Schijfkopie",
		"shortcut":          "Snelkoppeling die iets start",
		"macro-document":    "Document met macro’s",
		"software-archive":  "Archief met software erin",
		"undecodable":       "Bestand dat niet is te controleren",
		"encrypted-archive": "Archief met een wachtwoord",
		"archive":           "Archief",
		"wasm":              "WebAssembly",
		"document":          "Document",
		"font":              "Lettertype",
		"media":             "Beeld of geluid",
		"web-page":          "Webpagina",
		"web-asset":         "Onderdeel van een webpagina",
		"text":              "Tekst",
		"data":              "Gegevens",
		"unknown":           "Onbekend",
	},
	malware:      "Hebt u iets geopend of ingevuld, of vermoedt u een virus? Bel de servicedesk nu meteen.",
	organisation: "uw organisatie",
	byPolicy:     "Geblokkeerd door %s",
	notPolicy:    "Geen blokkade: er is een storing",
	ourFault:     "Bericht van %s",
	site:         "Website",
	category:     "Categorie",
	kind:         "Soort bestand",
	rule:         "Regel",
	code:         "Referentie",
	article:      "artikel %s",
	reason:       "Oorzaak",
	serviceDesk:  "Servicedesk",
	whatToDo:     "Wat kunt u doen?",
	desk:         "Contact",
	phone:        "Bel",
	mail:         "Mail",
	web:          "Ga naar",
	report:       "Meld per mail",
	reference:    "Het referentienummer wijst de regel aan, niet u.",
	privacy: "Voor zover hiervan iets wordt vastgelegd, is dat onder een pseudoniem en " +
		"zonder de pagina die u opende. Het wordt na uiterlijk zes maanden gewist.",
}
