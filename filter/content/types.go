package content

import "strings"

// typeRows is the table of media types. The sources, by letter: I the IANA registry, S shared-mime-info, M the names that
// servers and browsers use though nobody registered them (Apache's mime.types, Chromium, Debian's mime-support), F the
// documentation of the format's owner. A type with a star stands for its whole family, or branch of a vendor's tree, and is used when no row names the type.
var typeRows = [...]struct {
	kind   Kind
	source string
	names  string
}{
	{Executable, "I M", "application/vnd.microsoft.portable-executable application/x-msdownload application/x-msdos-program"},
	{Executable, "S M", "application/x-dosexec application/x-ms-dos-executable application/exe application/x-exe application/dos-exe application/msdos-windows"},
	{Executable, "S M", "application/x-winexe application/x-msdos-windows vms/exe application/x-executable application/x-elf application/x-object"},
	{Executable, "S", "application/x-sharedlib application/x-pie-executable application/x-core application/x-mach-binary application/vnd.appimage"},
	{Executable, "S M", "application/x-iso9660-appimage application/java-vm application/x-java-vm application/x-java application/x-java-class application/x-java-applet"},
	{Executable, "S", "application/x-python-code application/x-python-bytecode application/x-bytecode.python application/x-coff"},
	{Installer, "S M", "application/x-msi application/x-ms-installer application/x-windows-installer application/vnd.ms-cab-compressed application/x-cab"},
	{Installer, "I S F", "application/vnd.debian.binary-package application/x-debian-package application/x-deb application/x-rpm application/x-redhat-package-manager"},
	{Installer, "F S", "application/msix application/appx application/msixbundle application/appxbundle application/vnd.ms-appx application/appinstaller"},
	{Installer, "S F", "application/vnd.apple.installer+xml application/x-xar application/x-newton-compatible-pkg application/vnd.flatpak application/vnd.flatpak.ref application/vnd.snap"},
	{Installer, "F", "application/x-ms-application application/x-ms-manifest application/x-ms-xbap application/x-ms-vsto application/x-apple-aspen-config"},
	{Package, "I S M", "application/java-archive application/x-java-archive application/x-jar application/vnd.android.package-archive application/x-android-package"},
	{Package, "F M", "application/x-chrome-extension application/x-xpinstall application/vsix application/x-silverlight-app application/x-ios-app application/vnd.openofficeorg.extension"},
	{Script, "S M", "application/x-sh application/x-shellscript text/x-shellscript text/x-sh application/x-csh application/x-bat application/x-bash application/bat"},
	{Script, "S M", "application/x-powershell text/x-powershell application/powershell text/vbscript text/vbs application/x-vbscript application/x-jscript.encode"},
	{Script, "S M", "application/hta application/x-perl text/x-perl text/x-python application/x-python text/x-python3 application/x-ruby text/x-ruby application/x-tcl"},
	{Script, "S M", "application/x-php application/x-httpd-php application/x-httpd-php-source text/x-php application/x-setupscript text/x-registry text/x-ms-regedit application/vnd.ms-htmlhelp text/x-msdos-batch"},
	{DiskImage, "S M", "application/x-apple-diskimage application/x-iso9660-image application/x-cd-image application/x-raw-disk-image application/vnd.efi.iso application/vnd.efi.img"},
	{DiskImage, "S", "application/x-vhd-disk application/x-vhdx-disk application/x-vhdx application/x-virtualbox-vhd application/x-virtualbox-vhdx application/x-vmdk application/x-vmdk-disk"},
	{DiskImage, "S", "application/x-qemu-disk application/x-virtualbox-vdi application/vnd.squashfs application/x-ms-wim"},
	{Shortcut, "S M", "application/x-ms-shortcut application/x-mswinurl application/internet-shortcut application/x-desktop application/x-java-jnlp-file application/x-rdp text/x-ms-iqy application/metalink+xml application/metalink4+xml"},
	{Macro, "I", "application/vnd.ms-word.document.macroenabled.12 application/vnd.ms-word.template.macroenabled.12 application/vnd.ms-excel.sheet.macroenabled.12"},
	{Macro, "I", "application/vnd.ms-excel.template.macroenabled.12 application/vnd.ms-excel.addin.macroenabled.12"},
	{Macro, "I", "application/vnd.ms-powerpoint.presentation.macroenabled.12 application/vnd.ms-powerpoint.template.macroenabled.12 application/vnd.ms-powerpoint.addin.macroenabled.12 application/vnd.ms-powerpoint.slideshow.macroenabled.12"},
	{Archive, "I S M", "application/zip application/x-zip application/x-zip-compressed application/x-7z-compressed application/vnd.rar application/x-rar application/x-rar-compressed"},
	{Archive, "I S M", "application/gzip application/x-gzip application/x-tar application/x-gtar application/x-compressed-tar application/x-bzip application/x-bzip2 application/x-xz application/zstd"},
	{Archive, "S M", "application/lzip application/x-lzip application/x-compress application/x-archive application/x-cpio application/x-lz4 application/x-lzma application/x-ace-compressed application/x-arj"},
	{WASM, "I", "application/wasm"},
	{Document, "I", "application/pdf application/rtf text/rtf application/msword application/vnd.ms-excel application/vnd.ms-powerpoint application/vnd.ms-outlook application/epub+zip application/vnd.ms-excel.sheet.binary.macroenabled.12"},
	{Document, "I S", "application/vnd.ms-project application/vnd.visio application/postscript application/x-ole-storage application/vnd.ms-publisher application/x-pdf application/vnd.oasis.opendocument.*"},
	{Document, "I S", "application/vnd.openxmlformats-officedocument.* message/rfc822 application/vnd.google-earth.kmz application/vnd.ms-visio.drawing.main+xml"},
	{Font, "I M", "font/* application/font-woff application/font-woff2 application/x-font-ttf application/x-font-otf application/x-font-woff application/vnd.ms-fontobject application/font-sfnt"},
	{Media, "I M", "image/* audio/* video/* application/ogg application/vnd.apple.mpegurl application/x-mpegurl application/dash+xml application/mp4"},
	{WebPage, "I", "text/html application/xhtml+xml"},
	{WebAsset, "I M", "text/javascript application/javascript application/x-javascript application/ecmascript text/ecmascript text/x-javascript text/css application/json text/json"},
	{WebAsset, "I M", "application/ld+json application/manifest+json application/problem+json application/geo+json application/importmap+json application/vnd.api+json application/x-ndjson application/jsonp text/event-stream"},
	{Text, "I", "text/* application/xml application/rss+xml application/atom+xml application/soap+xml application/graphql application/x-www-form-urlencoded"},
	{Data, "I M", "application/octet-stream binary/octet-stream application/x-binary application/unknown application/download application/force-download application/x-download application/x-force-download"},
}

// mediaTypes is typeRows by name.
var mediaTypes = func() map[string]Kind {
	table := make(map[string]Kind, 256)
	for _, row := range typeRows {
		for name := range strings.FieldsSeq(row.names) {
			table[name] = row.kind
		}
	}
	return table
}()

// maxType bounds a Content-Type, in bytes, without its parameters: RFC 6838 section 4.2 allows 127 for each half.
const maxType = 255

// mediaType returns the type of a Content-Type value, in lower case and without parameters; "" for none.
func mediaType(value string) string {
	t, _, _ := strings.Cut(value, ";")
	if len(t) > maxType {
		return ""
	}
	return strings.ToLower(strings.TrimSpace(t))
}

// kindOfType returns the kind that a media type stands for, "" where the tables don't know it.
func kindOfType(t string) Kind {
	if k, ok := mediaTypes[t]; ok {
		return k
	}
	family, sub, _ := strings.Cut(t, "/")
	for i := strings.LastIndexByte(t, '.'); i > len(family); i = strings.LastIndexByte(t[:i], '.') {
		if k, ok := mediaTypes[t[:i]+".*"]; ok {
			return k
		}
	}
	if k, ok := mediaTypes[family+"/*"]; ok {
		return k
	}
	switch {
	case strings.HasSuffix(sub, "+json"):
		return WebAsset
	case strings.HasSuffix(sub, "+xml"):
		return Text
	case strings.HasSuffix(sub, "+zip"):
		return Archive
	}
	return ""
}

// streams reports whether a body of media type t is made while it is read, so that the first byte may be long in coming
// and none must be held: server-sent events, gRPC and its kin, and multipart bodies that replace themselves.
func streams(t string) bool {
	return t == "text/event-stream" || strings.HasPrefix(t, "application/grpc") || strings.HasPrefix(t, "application/connect+") ||
		strings.HasPrefix(t, "multipart/") && t != "multipart/byteranges"
}

// textual reports whether t promises text of a page or an API: such bodies are settled on their first bytes, for they may
// come in pieces with pauses between.
func textual(t string) bool {
	switch kindOfType(t) {
	case WebPage, WebAsset, Text:
		return true
	}
	return false
}
