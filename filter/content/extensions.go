package content

import "strings"

// use says how far a file name with an extension is evidence.
type use uint8

const (
	loose  use = iota // counts: what reads such a file takes almost any bytes
	rigid             // its loader wants its own signature: next to other known bytes the name of a URL means nothing
	asset             // also a part of pages: counts as an attachment only
	server            // also how web servers name pages: the name of a URL never counts
)

// extension is what one file name extension says.
type extension struct {
	kind Kind
	use  use
	host bool // also a top-level domain
}

// extensionRows is the table of extensions. The sources, by letter: C Chromium's download file types (dangerous, or
// allowed on a user's gesture only, on any platform), G Gmail's and O Outlook's blocked attachments, W what Windows calls
// dangerous (AssocIsDangerous), L the documentation of the format (Microsoft Learn, Apple, shared-mime-info, IANA).
//
// Left out on purpose, though C, O or W has them, because people send one another such documents: accdb, mdb, pst, msg,
// eml, mht, cer, crt, der, md, json, xml, xsl, xsd, cfg, ini, grp, vsd, vsdx, cdr, slk, mat, prf, job, out, smi, tmp, dng. Object
// files (o, a, lib, obj) are left to their bytes: obj is a 3D model as well.
var extensionRows = [...]struct {
	kind   Kind
	use    use
	source string
	names  string
}{
	{Executable, rigid, "C G O W", "exe dll scr cpl com ocx sys drv efi pif xll"},
	{Executable, rigid, "C L", "pyd node so dylib bundle ax acm mui tsp vxd winmd c32 lkrn kpxe pxe ko appimage"},
	{Executable, loose, "C L", "ex ex_ dl_ sy_ run elf class dex pyc pyo luac fxp swf air u3p paf"},
	{Installer, rigid, "C G O W", "msi msp mst msu cab diagcab deb udeb rpm drpm pkg mpkg xip xar"},
	{Installer, loose, "C G", "appx appxbundle msix msixbundle eappx emsix eappxbundle emsixbundle"},
	{Installer, loose, "C O L", "ins isp pet pup slp flatpak flatpakref flatpakrepo snap ipk opk ppkg"},
	{Installer, loose, "C O W L", "appinstaller application xbap vsto mobileconfig configprofile"},
	{Package, loose, "C G O L", "jar apk xapk apks apkm aab ipa war ear aar crx xpi oxt vsix nupkg snupkg gadget xap wgt"},
	{Package, loose, "L", "whl egg gem conda crate pyz pyzw safariextz mcpb"},
	{Script, loose, "C G O W", "bat cmd ps1 ps2 psc1 psc2 psm1 psd1 pssc ps1xml ps2xml cdxml msh msh1 msh2 mshxml msh1xml msh2xml"},
	{Script, loose, "C G O W", "vb vbe vbs vbscript jse ws wsc wsf wsh sct shb shs hta htc htt msc mmc"},
	{Script, loose, "C G O W", "reg rgs inf bas mof vsmacros hlp chm chi isu inx nsh plg prg diagcfg diagpkg xrm-ms"},
	{Script, loose, "C L", "sh py pyw rb bash csh ksh tcsh zsh fish shar applescript scpt scptd osas osax ahk au3"},
	{Script, server, "C O", "pl php php3 php4 php5 php7 phtml phar asp aspx ashx asmx jsp jspx cgi action command tool"},
	{Script, asset, "C G O W", "js mjs cjs"},
	{DiskImage, rigid, "C G O W", "iso img vhd vhdx vmdk vdi qcow qcow2 wim swm esd squashfs sqsh udf"},
	{DiskImage, loose, "C G L", "dmg dmgpart imgpart udif ndif sparseimage dvdr toast dc42 diskcopy42 isz nrg uif ova ovf vfd"},
	{Shortcut, loose, "C G O W", "lnk url website webloc inetloc fileloc ftploc atloc scf desktop xnk pcd appref-ms library-ms"},
	{Shortcut, loose, "C G O W", "search-ms searchconnector-ms settingcontent-ms appcontent-ms theme themepack deskthemepack jnlp"},
	{Shortcut, loose, "O W L", "rdp iqy oqy rqy dqy udl wsb printerexport webpnp metalink meta4"},
	{Macro, loose, "L", "docm dotm xlsm xltm xlam xla pptm potm ppam ppsm sldm ppa wll"},
	{Macro, loose, "C G O W", "ade adp mde accde accdr accda mda mdw ops vsdm vssm vstm"},
}

// domains are the extensions of the table that end host names too (IANA root zone database).
const domains = "com sh py pl so ax ws run cab website fish"

// packings are the extensions of a file that was compressed by itself: what stands before them tells what it is.
const packings = "gz bz2 xz lz lz4 lzma zst br z"

// extensions is extensionRows by name.
var extensions = func() map[string]extension {
	table := make(map[string]extension, 256)
	for _, row := range extensionRows {
		for name := range strings.FieldsSeq(row.names) {
			table[name] = extension{kind: row.kind, use: row.use, host: listed(domains, name)}
		}
	}
	return table
}()

// listed reports whether word is one of the words of a table's line.
func listed(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}
