package main

// wellKnown are hosts that hardly any list should hold: what every workplace needs, what every device needs to keep itself
// safe, and what everybody visits. A list that holds one is for another purpose, or wrong.
const wellKnown = `
google.com www.google.com google.nl accounts.google.com youtube.com gstatic.com googleapis.com
microsoft.com login.microsoftonline.com outlook.office365.com teams.microsoft.com sharepoint.com windowsupdate.com
update.microsoft.com office.com bing.com github.com
apple.com icloud.com mozilla.org firefox.com debian.org ubuntu.com
wikipedia.org nl.wikipedia.org openstreetmap.org linkedin.com whatsapp.com facebook.com zoom.us
amazonaws.com cloudfront.net cloudflare.com akamaized.net fastly.net jsdelivr.net
letsencrypt.org digicert.com ocsp.digicert.com sectigo.com globalsign.com
rijksoverheid.nl overheid.nl digid.nl mijn.overheid.nl belastingdienst.nl kvk.nl rdw.nl cbs.nl uwv.nl politie.nl rivm.nl
vng.nl kadaster.nl logius.nl ncsc.nl government.nl europa.eu
nos.nl nu.nl ns.nl 9292.nl knmi.nl buienradar.nl postnl.nl bol.com marktplaats.nl
ing.nl rabobank.nl abnamro.nl 113.nl thuisarts.nl
`
