// Proxy auto-configuration. What is inside goes direct, everything else through the proxy.
//
// Addresses are recognised as they are written. Names are never looked up here (no dnsResolve, isInNet or isResolvable):
// browsers run this file in one thread, and a slow name server would stop every page. A name that resolves to an
// inside address but is not in the list below goes to the proxy, which knows what is inside.
//
// There is no DIRECT at the end of the list of proxies: when none of them answers, nothing goes round them.
//
// Written in the oldest JavaScript, because Windows still runs it.
var proxies = "PROXY 127.0.0.1:3128; PROXY proxy2.voorbeeld.nl:3128";
var internal = ["intern.voorbeeld.nl","203.0.113.9"];

function FindProxyForURL(url, host) {
	var name = host.toLowerCase().replace(/^\[|\]$/g, "");
	var rooted = name.replace(/\.$/, "");
	for (var i = 0; i < internal.length; i++) {
		if (rooted === internal[i] || dnsDomainIs(rooted, "." + internal[i])) {
			return "DIRECT";
		}
	}
	return isInside(name) ? "DIRECT" : proxies;
}

function isInside(name) {
	if (name.indexOf(":") >= 0) { // ::1, fc00::/7, fe80::/10
		return name === "::1" || /^f[cd][0-9a-f]{2}:/.test(name) || /^fe[89ab][0-9a-f]:/.test(name);
	}
	var part = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(name);
	if (part) {
		return isPrivate(part);
	}
	return name.indexOf(".") < 0; // a plain name is looked up in the organisation's own domain
}

// 10/8, 127/8, 169.254/16, 172.16/12, 192.168/16
function isPrivate(part) {
	for (var i = 1; i <= 4; i++) {
		if (Number(part[i]) > 255 || /^0./.test(part[i])) {
			return false; // not an address, or not to everybody the same one
		}
	}
	var a = Number(part[1]), b = Number(part[2]);
	return a === 10 || a === 127 || (a === 169 && b === 254) || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168);
}
