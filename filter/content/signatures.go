package content

// form is what has to be looked at beyond a signature.
type form uint8

const (
	sure form = iota // nothing
	lettered
	exe
	elf
	coff
	ole
	zipped
	gzipped
	bzipped
	zstandard
	ar
	rar
	zlibbed
	boot
)

// signature is what a file of a kind begins with.
type signature struct {
	magic string
	kind  Kind
	form  form
}

// signatureRows is the table of signatures at the start of a file. Sources: the specification named on the line, else
// the magic database of file(1) and shared-mime-info.
var signatureRows = [...]signature{
	// Software.
	{"MZ", Executable, exe},
	{"ZM", Executable, exe},      // Microsoft PE format
	{"\x7fELF", Executable, elf}, // System V ABI
	{"\xfe\xed\xfa\xce", Executable, sure},
	{"\xfe\xed\xfa\xcf", Executable, sure}, // Mach-O, <mach-o/loader.h>
	{"\xce\xfa\xed\xfe", Executable, sure},
	{"\xcf\xfa\xed\xfe", Executable, sure},
	{"\xca\xfe\xba\xbe", Executable, sure},
	{"\xca\xfe\xba\xbf", Executable, sure}, // fat Mach-O, and Java class (JVMS 4.1)
	{"\xbe\xba\xfe\xca", Executable, sure},
	{"\xbf\xba\xfe\xca", Executable, sure},
	{"\xca\xfe\xd0\x0d", Package, sure}, // Pack200
	{"dex\n0", Executable, sure},        // Dalvik
	{"\x1bLua", Executable, sure},
	{"BC\xc0\xde", Executable, sure}, // Lua, LLVM
	{"\x64\x86", Executable, coff},
	{"\x4c\x01", Executable, coff},                      // COFF objects: x86-64, i386
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Document, ole}, // MS-CFB
	{"MSCF\x00\x00\x00\x00", Installer, sure},
	{"ISc(", Installer, lettered}, // MS-CAB, InstallShield
	{"!<arch>\n", Bundle, ar},     // deb(5), ar(5)
	{"\xed\xab\xee\xdb", Installer, sure},
	{"drpm", Installer, lettered}, // RPM
	{"xar!\x00", Installer, sure},
	{"flatpak\x00", Installer, sure},
	{"xdg-app\x00", Installer, sure},
	{"Cr24", Package, lettered},                          // CRX3
	{"\x4c\x00\x00\x00\x01\x14\x02\x00", Shortcut, sure}, // MS-SHLLINK
	{"ITSF", Script, lettered},
	{"?_\x03\x00", Script, sure}, // CHM, HLP
	{"Joy!peff", Executable, lettered},
	{"FasdUAS ", Script, sure}, // compiled AppleScript
	// Disk images.
	{"hsqs", DiskImage, lettered},
	{"sqsh", DiskImage, lettered},
	{"conectix", DiskImage, sure},
	{"vhdxfile", DiskImage, sure},
	{"KDMV", DiskImage, lettered},
	{"COWD", DiskImage, lettered},
	{"QFI\xfb", DiskImage, sure},
	{"<<< Oracle VM VirtualBox Disk Image", DiskImage, sure},
	{"MSWIM\x00\x00\x00", DiskImage, sure},
	{"encrcdsa", DiskImage, sure},
	{"sprs", DiskImage, lettered},
	{"x\x01s\r\x0ebb`", DiskImage, sure}, // the first block of most compressed UDIF images
	{"\x33\xed\x90", DiskImage, boot},
	{"\x33\xc0\x8e", DiskImage, boot},
	{"\x33\xc0\xfa", DiskImage, boot}, // boot loaders
	{"bvx2", DiskImage, lettered},
	{"bvxn", DiskImage, lettered}, // LZFSE: UDIF again
	{"x\x01", DiskImage, zlibbed},
	{"x\x9c", DiskImage, zlibbed},
	{"x\xda", DiskImage, zlibbed},
	// Archives.
	{"PK\x03\x04", Archive, zipped},
	{"PK\x05\x06", Archive, sure},
	{"PK\x07\x08PK\x03\x04", Archive, zipped}, // APPNOTE 4.3
	{"PK00PK\x03\x04", Archive, zipped},
	{"\x1f\x8b", Archive, gzipped},
	{"BZh", Archive, bzipped},
	{"\x28\xb5\x2f\xfd", Archive, zstandard}, // RFC 1952, 8878
	{"7z\xbc\xaf\x27\x1c", Archive, sure},
	{"Rar!\x1a\x07", Archive, rar},
	{"\xfd7zXZ\x00", Archive, sure},
	{"LZIP", Archive, sure},
	{"\x1f\x9d", Archive, sure},
	{"\x1f\xa0", Archive, sure},
	{"\x04\x22\x4d\x18", Archive, sure},
	{"070701", Archive, sure},
	{"070707", Archive, sure},
	// Of pages and people.
	{"\x00asm", WASM, sure},
	{"\xff\xd8\xff", Media, sure},
	{"\x89PNG\r\n\x1a\n", Media, sure},
	{"GIF87a", Media, sure},
	{"GIF89a", Media, sure},
	{"RIFF", Media, sure},
	{"OggS", Media, sure},
	{"fLaC", Media, sure},
	{"ID3", Media, sure},
	{"\x1a\x45\xdf\xa3", Media, sure},
	{"\xff\xfb", Media, sure},
	{"\xff\xf3", Media, sure},
	{"\xff\xf2", Media, sure},
	{"\xff\xf1", Media, sure},
	{"\xff\xf9", Media, sure},
	{"\x00\x00\x01\x00", Media, sure},
	{"II*\x00", Media, sure},
	{"MM\x00*", Media, sure},
	{"8BPS", Media, sure},
	{"wOFF", Font, sure},
	{"wOF2", Font, sure},
	{"OTTO\x00", Font, sure},
	{"\x00\x01\x00\x00\x00", Font, sure},
	{"ttcf\x00", Font, sure},
	{"%PDF-", Document, sure},
	{"{\\rtf", Document, sure},
	{"%!PS", Document, sure},
}

// signatures is signatureRows by first byte.
var signatures = func() (table [256][]signature) {
	for _, s := range signatureRows {
		table[s.magic[0]] = append(table[s.magic[0]], s)
	}
	return table
}()

// further says what p is, which begins with a signature of the form; "" and 0 say that it is something else after all.
func (s signature) further(p prefix) (Kind, int) {
	switch s.form {
	case sure:
		return s.kind, 0
	case lettered:
		return lookLettered(p, s.kind)
	case exe:
		return lookExe(p)
	case coff:
		return lookCOFF(p)
	case ole:
		return lookOLE(p)
	case zipped:
		return lookZip(p)
	case gzipped:
		return lookPacked(gzipCoding, p)
	case bzipped:
		return lookPacked(bzipCoding, p)
	case zstandard:
		return lookPacked(zstdCoding, p)
	case ar:
		return lookAr(p)
	case rar:
		return lookRAR(p)
	case zlibbed:
		return lookZlib(p)
	case elf:
		return lookELF(p)
	case boot:
		return lookBoot(p)
	}
	return s.kind, 0
}
