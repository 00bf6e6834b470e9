// Package content says what a download is, from what the response says about itself and from the first bytes of its body.
//
// The package is pure: it reads no connection and no clock, starts no goroutine and writes no log. It does not decide what
// may pass: it names a [Kind], and which kinds are forbidden to whom is the policy's business. A [Result] holds no name and no
// byte of the download, so that none can land in a log.
//
// # How it judges
//
// One [Judge] looks at one response. It weighs the bytes (decoded, when the body has a content coding), every file
// name (path, query, all Content-Disposition values) and every Content-Type. Of these the strictest counts, with three
// limits that keep the web whole:
//
//   - What a browser loads into a page is not a download: scripts, styles and pages that come without an attachment
//     disposition, with the type of such a thing.
//   - The last segment of a path and the values of a query are often no file names (/cgi-bin/mapserv.exe, ?site=example.com).
//     They don't count where the bytes are positively something that a file of that name could never be, or are a web
//     page and say so. Plain text under the name of a program does count.
//   - A type of software (application/x-msdownload on a PDF, as old applications send) doesn't count against bytes that
//     positively are a document, a picture, sound, video or a font.
//
// Bytes of software always count. It looks at the start of a body only: at most [MaxPrefix] decoded bytes, mostly fewer
// than 64. What lies deeper (members of a 7z or of a nested archive, a trailer) is not seen here, and neither is what a script
// in a page assembles, or a tar archive that calls itself text.
//
// The signatures of software are our own, because libraries call text that begins with "MZ" a program, and because a
// signature here must say how many bytes it still needs. The long tail of harmless formats is asked of
// gabriel-vasile/mimetype.
package content
