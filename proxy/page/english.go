package page

import "github.com/keersluis/keersluis/filter"

var english = words{
	sayings: [problemCount]saying{
		Blocked: {
			"This website is blocked",
			"%s does not allow this website on this network.",
			[]string{
				"Do you need this website for your work? Ask the service desk for an exception.",
				"Is the website in the wrong category? Report that too, and we will check it.",
				"Did you come here by accident? Then there is nothing you need to do. Go back to the previous page.",
			},
		},
		DownloadBlocked: {
			"This download is blocked",
			"At %s only application administrators download and install software.",
			[]string{
				"Do you need this file for your work? Ask an application administrator to install the software, or contact the service desk.",
				"Is this not software? Report it, and we will check it.",
			},
		},
		InternalAddress: {
			"This address can't be reached through the internet",
			"The name leads to an address inside a private network. %s does not allow that, because a website could use it to get into the internal network.",
			[]string{
				"Is this a system of the organisation itself? Ask the service desk to register the address as internal.",
				"Don't you know this address? Then there is nothing you need to do.",
			},
		},
		AuthenticationRequired: {
			"Sign in to continue",
			"On this network %s asks for a user name and password before you use the internet.",
			[]string{
				"Reload the page and enter your own user name and password.",
				"Does it not work, or does a program keep asking? Contact the service desk.",
			},
		},
		BadRequest: {
			"This request could not be read",
			"The browser or program sent a request that is incomplete, or that can be read in more than one way. That is why it was not passed on.",
			[]string{
				"Check the address for typing errors and try again.",
				"Does this keep happening? Tell the service desk which program you use.",
			},
		},
		DNSFailure: {
			"This website was not found",
			"No address was found for this name.",
			[]string{
				"Check the address for typing errors.",
				"Is the address right? Try again in a few minutes.",
			},
		},
		ConnectionRefused: {
			"This website does not accept a connection",
			"The name is right, but the server behind it gives no usable answer.",
			[]string{
				"Try again in a few minutes.",
				"Does the website work outside this network? Contact the service desk.",
			},
		},
		Timeout: {
			"This website does not answer in time",
			"The server was found, but no answer came for too long.",
			[]string{
				"Try again in a few minutes.",
				"Does the website work outside this network? Contact the service desk.",
			},
		},
		CertificateProblem: {
			"The security of this website is not in order",
			"The website can't prove that it is who it says it is. Your data could end up with someone else. That is why no connection was made.",
			[]string{
				"Don't enter a password or other data here, and not over another network either.",
				"Wait until the owner of the website has repaired this. Is it urgent? Contact the service desk.",
			},
		},
		ProxyError: {
			"Something went wrong on our side",
			"The web filter of %s could not handle this request. The website itself has nothing to do with it.",
			[]string{
				"Reload the page.",
				"Does this keep happening? Contact the service desk.",
			},
		},
		ShuttingDown: {
			"One moment please",
			"The web filter of %s is being restarted. That usually takes less than a minute.",
			[]string{"Wait a moment and reload the page."},
		},
	},
	details: [detailCount]string{
		CertificateExpired:       "The website's certificate has expired.",
		CertificateNotYetValid:   "The website's certificate is not valid yet.",
		CertificateUnknownIssuer: "The certificate was issued by a party that is not trusted.",
		CertificateWrongHost:     "The certificate belongs to another website.",
		CertificateRevoked:       "The website's certificate has been revoked.",
		CertificateWeak:          "The certificate uses encryption that is too weak.",
		HandshakeFailed:          "The website offers no secure connection that can be used here.",
		NameUnknown:              "The name does not exist.",
		NameServerFailed:         "The website's name server reports an error.",
		NameTimeout:              "The website's name server does not answer.",
		HostUnreachable:          "There is no route to the server.",
		ConnectionBroken:         "The server broke off the connection before there was an answer.",
		ResponseTimeout:          "The server accepted the connection, but stayed silent after that.",
		ResponseMalformed:        "The server sent back something that is not a valid answer.",
	},
	categories: map[filter.Category]string{
		"porn":            "Pornography",
		"gambling":        "Gambling",
		"hate":            "Hate, racism and violence",
		"software":        "Software and downloads",
		"proxy-avoidance": "Getting around the web filter",
		"malware":         "Malicious software and fraud",
	},
	kinds: map[string]string{
		"executable":        "Program",
		"installer":         "Installer",
		"package":           "Software package or extension",
		"script":            "Script",
		"disk-image":        "Disk image",
		"shortcut":          "Shortcut that starts something",
		"macro-document":    "Document with macros",
		"software-archive":  "Archive with software in it",
		"undecodable":       "File that can’t be checked",
		"encrypted-archive": "Archive with a password",
		"archive":           "Archive",
		"wasm":              "WebAssembly",
		"document":          "Document",
		"font":              "Font",
		"media":             "Image or sound",
		"web-page":          "Web page",
		"web-asset":         "Part of a web page",
		"text":              "Text",
		"data":              "Data",
		"unknown":           "Unknown",
	},
	malware:      "Did you open or enter anything, or do you suspect a virus? Call the service desk now.",
	organisation: "your organisation",
	byPolicy:     "Blocked by %s",
	notPolicy:    "Not a block: something is out of order",
	ourFault:     "Message from %s",
	site:         "Website",
	category:     "Category",
	kind:         "Kind of file",
	rule:         "Rule",
	code:         "Reference",
	article:      "article %s",
	reason:       "Cause",
	serviceDesk:  "Service desk",
	whatToDo:     "What can you do?",
	desk:         "Contact",
	phone:        "Call",
	mail:         "Mail",
	web:          "Go to",
	report:       "Report by mail",
	reference:    "The reference points to the rule, not to you.",
	privacy: "If anything of this is recorded, it is under a pseudonym and " +
		"without the page you opened. It is erased after six months at most.",
}
