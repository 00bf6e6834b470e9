package content

import "slices"

// Kind is what a download is. The set is closed: [Kinds].
type Kind string

// The kinds.
const (
	Executable  Kind = "executable"        // native or byte code: PE, DOS, ELF, Mach-O, Java class, DEX, object files
	Installer   Kind = "installer"         // of an operating system: MSI, MSIX, CAB, DEB, RPM, PKG, Flatpak
	Package     Kind = "package"           // code for a runtime: JAR, APK, browser and editor extensions, NuGet
	Script      Kind = "script"            // text that a shell or a script host runs, registry files among it
	DiskImage   Kind = "disk-image"        // ISO, UDF, IMG, DMG, VHD, VMDK, QCOW2, SquashFS
	Shortcut    Kind = "shortcut"          // a small file that starts or fetches something else: LNK, URL, JNLP, RDP
	Macro       Kind = "macro-document"    // an office file with macros
	Bundle      Kind = "software-archive"  // an archive of which an entry in sight is software
	Undecodable Kind = "undecodable"       // a content coding that cannot be read: unknown, corrupt or too many
	Encrypted   Kind = "encrypted-archive" // an archive with entries that cannot be read
	Archive     Kind = "archive"           // ZIP, 7z, RAR, TAR, GZ, BZ2, XZ, ZSTD, LZ
	WASM        Kind = "wasm"              // WebAssembly: a part of pages, so not software by default
	Document    Kind = "document"          // office files, PDF, RTF, e-books, mail
	Font        Kind = "font"              // fonts
	Media       Kind = "media"             // pictures, sound, video
	WebPage     Kind = "web-page"          // HTML and XHTML
	WebAsset    Kind = "web-asset"         // script and style of a page
	Text        Kind = "text"              // other text: JSON, XML, CSV, plain
	Data        Kind = "data"              // bytes that are none of the above
	Unknown     Kind = "unknown"           // nothing was seen that says what it is
)

// kinds is every kind, strictest first: of two that evidence points to, the earlier one is the verdict.
var kinds = [...]Kind{
	Executable, Installer, Package, Script, DiskImage, Shortcut, Macro, Bundle, Undecodable, Encrypted,
	Archive, WASM, Document, Font, Media, WebPage, WebAsset, Text, Data, Unknown,
}

// software is the number of kinds, from the first, that are software by default.
const software = 10

// Kinds returns every kind, strictest first.
func Kinds() []Kind { return slices.Clone(kinds[:]) }

// Software reports whether a ban on downloading software covers k unless the policy chooses otherwise. An encrypted
// archive and an undecodable body are covered: they cannot be shown to hold none.
func (k Kind) Software() bool {
	return slices.Contains(kinds[:software], k)
}

// positive reports whether bytes of kind k are certainly of that kind, and cannot be run: a loader that wants its own
// signature first would refuse them.
func (k Kind) positive() bool {
	return k == Document || k == Font || k == Media
}

// textual reports whether bytes of kind k are text, or were not seen: no loader of native formats takes them.
func (k Kind) textual() bool {
	return k == WebPage || k == WebAsset || k == Text || k == Unknown
}

// stricter returns the stricter of two kinds; the zero Kind is no kind.
func stricter(a, b Kind) Kind {
	if b == "" || a != "" && slices.Index(kinds[:], a) <= slices.Index(kinds[:], b) {
		return a
	}
	return b
}
