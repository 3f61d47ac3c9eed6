/* SPDX-License-Identifier: MIT */
/*
 * A stream with secrets in it: values, a line each up to a line "%%", then
 * what is printed.  In whatever pieces it comes, the same comes out, and that
 * is what a plain reading finds, which tries every form at every place: too
 * much is as wrong as too little.
 *
 * The plain reading is for values without '%' and '\\'.  Of others neither the
 * bytes nor their hexadecimal or percent-encoded forms come out.
 */
#include "fuzz.h"

#include "secret/memory.h"
#include "secret/redact.h"
#include "secret/redact_unit.h"

#define VALUES_MAX 4
#define VALUE_MAX  64
#define BREAKS_MAX 16

struct value {
	unsigned char bytes[VALUE_MAX];
	size_t size;
};

struct values {
	struct value v[VALUES_MAX];
	size_t n;
};

/* --- a plain reading ------------------------------------------------------- */

/*
 * One character of a text, as it is or escaped: @size bytes of it, 0 for none.
 * What is behind the end is as good as what does not fit.
 */
struct character {
	size_t size;
	uint32_t code;
	bool is_code; /* a code point, which may be many bytes */
	bool is_escaped;
};

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c)
			   : NULL;

	return at ? (int)(at - digits) : -1;
}

/* @n digits, or -1. */
static long number(const char *text, size_t size, size_t n)
{
	long value = 0;

	if (size < n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (hex_value(text[i]) < 0)
			return -1;
		value = 16 * value + hex_value(text[i]);
	}
	return value;
}

/* Where JSON is in JSON, the second half has more backslashes as well. */
static struct character unicode(const char *text, size_t size)
{
	long high = number(text + 2, size - 2, 4);
	size_t at = 6;
	long low;

	if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
		return (struct character){ .size = 0 };
	if (high < 0xd800 || high > 0xdbff)
		return (struct character){ 6, (uint32_t)high, true, true };
	while (at < size && text[at] == '\\')
		at++;
	if (at < 7 || at > 7 + SBX_REDACT_NESTED_MAX || at == size ||
	    text[at] != 'u')
		return (struct character){ .size = 0 };
	low = number(text + at + 1, size - at - 1, 4);
	if (low < 0xdc00 || low > 0xdfff)
		return (struct character){ .size = 0 };
	return (struct character){ at + 5,
				   (uint32_t)(0x10000 + (high - 0xd800) * 1024 +
					      (low - 0xdc00)),
				   true, true };
}

static struct character read_escape(const char *text, size_t size)
{
	static const char others[] = "bfnrt";
	static const char meant[] = "\b\f\n\r\t";
	static const char alnum[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *other;
	long byte;

	if (size == 0)
		return (struct character){ .size = 0 };
	if (text[0] == '%') {
		byte = number(text + 1, size - 1, 2);
		return (struct character){ byte < 0 ? 0 : 3, (uint32_t)byte,
					   false, true };
	}
	if (text[0] != '\\')
		return (struct character){ 1, (unsigned char)text[0], false,
					   false };
	if (size < 2)
		return (struct character){ .size = 0 };
	if (text[1] == 'u')
		return unicode(text, size);
	if (text[1] == 'x') {
		byte = number(text + 2, size - 2, 2);
		return (struct character){ byte < 0 ? 0 : 4, (uint32_t)byte,
					   false, true };
	}
	other = text[1] ? strchr(others, text[1]) : NULL;
	if (other)
		return (struct character){ 2,
					   (unsigned char)meant[other - others],
					   false, true };
	if (text[1] < ' ' || text[1] >= 0x7f || strchr(alnum, text[1]))
		return (struct character){ .size = 0 };
	return (struct character){ 2, (unsigned char)text[1], false, true };
}

/* An escape that means '%' or '\\' begins one: no value has these. */
static struct character read_character(const char *text, size_t size)
{
	struct character all = read_escape(text, size);

	for (int nested = 0; all.size && all.is_escaped && !all.is_code &&
			     (all.code == '%' || all.code == '\\');
	     nested++) {
		char next[64] = { (char)all.code };
		size_t n = size - all.size;
		struct character inner;

		if (n > sizeof(next) - 1)
			n = sizeof(next) - 1;
		if (n)
			memcpy(next + 1, text + all.size, n);
		inner = read_escape(next, n + 1);
		if (inner.size == 0 || nested == SBX_REDACT_NESTED_MAX)
			return (struct character){ .size = 0 };
		inner.size += all.size - 1;
		all = inner;
	}
	return all;
}

static size_t utf8(uint32_t code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 + code / 64);
		out[1] = (char)(0x80 + code % 64);
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 + code / 4096);
		out[1] = (char)(0x80 + code / 64 % 64);
		out[2] = (char)(0x80 + code % 64);
		return 3;
	}
	out[0] = (char)(0xf0 + code / 262144);
	out[1] = (char)(0x80 + code / 4096 % 64);
	out[2] = (char)(0x80 + code / 64 % 64);
	out[3] = (char)(0x80 + code % 64);
	return 4;
}

/* How many bytes of @text are @value as text, 0 for none. */
static size_t as_text(const char *text, size_t size, const struct value *value)
{
	size_t at = 0;
	size_t done = 0;

	while (done < value->size) {
		struct character c = read_character(text + at, size - at);
		char bytes[4];
		bool has_utf8 = c.is_code || (c.is_escaped && c.code >= 0x80);
		size_t n = has_utf8 ? utf8(c.code, bytes) : 0;
		bool is_utf8 = n && n <= value->size - done &&
			       memcmp(value->bytes + done, bytes, n) == 0;
		bool is_byte = value->bytes[done] == c.code ||
			       (value->bytes[done] == ' ' && c.code == '+' &&
				!c.is_escaped);

		if (c.size == 0 || (!is_utf8 && !is_byte))
			return 0;
		if (is_utf8 && (c.is_code || !is_byte))
			done += n;
		else
			done++;
		at += c.size;
	}
	return at;
}

static size_t as_hex(const char *text, size_t size, const struct value *value)
{
	size_t at = 0;
	int breaks = 0;

	for (size_t done = 0; done < 2 * value->size;) {
		struct character c = read_character(text + at, size - at);
		unsigned int byte = value->bytes[done / 2];
		int digit = c.size && c.code < 0x80 ? hex_value((char)c.code)
						    : -1;

		if (c.size == 0)
			return 0;
		at += c.size;
		if (digit < 0) {
			if (done == 0 || done % 2 || c.code == 0 ||
			    c.code > 0x7f ||
			    !strchr("\r\n\t :-,", (int)c.code) ||
			    ++breaks > BREAKS_MAX)
				return 0;
			continue;
		}
		if ((unsigned int)digit != (done % 2 ? byte % 16 : byte / 16))
			return 0;
		done++;
		breaks = 0;
	}
	return at;
}

static int base64_value(uint32_t code)
{
	const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "abcdefghijklmnopqrstuvwxyz"
			      "0123456789+/";
	const char *at;

	if (code == '-')
		return 62;
	if (code == '_')
		return 63;
	at = code && code < 0x80 ? strchr(letters, (int)code) : NULL;
	return at ? (int)(at - letters) : -1;
}

/* @lead bits of something else are before it: bit by bit. */
static size_t as_base64(const char *text, size_t size,
			const struct value *value, size_t lead)
{
	size_t at = 0;
	size_t bit = 0;
	int breaks = 0;

	while (bit < lead + 8 * value->size) {
		struct character c = read_character(text + at, size - at);
		int bits = c.size ? base64_value(c.code) : -1;

		if (c.size == 0)
			return 0;
		at += c.size;
		if (bits < 0) {
			bool is_line = c.code == '\n' || c.code == '\r';
			bool is_blank = c.code == ' ' || c.code == '\t';

			if (bit == 0 || !(is_line || (is_blank && breaks)) ||
			    ++breaks > BREAKS_MAX)
				return 0;
			continue;
		}
		for (int i = 5; i >= 0; i--, bit++) {
			size_t own = bit - lead;

			if (bit < lead || own >= 8 * value->size)
				continue;
			if ((bits >> i & 1) !=
			    (value->bytes[own / 8] >> (7 - own % 8) & 1))
				return 0;
		}
		breaks = 0;
	}
	return at;
}

/* Without blanks at its ends, where that is long enough; else the same. */
static struct value trimmed(const struct value *value)
{
	struct value less = *value;
	size_t from = 0;

	while (less.size > 0 && less.bytes[less.size - 1] &&
	       strchr(" \t\r\n", less.bytes[less.size - 1]))
		less.size--;
	while (from < less.size && less.bytes[from] &&
	       strchr(" \t\r\n", less.bytes[from]))
		from++;
	less.size -= from;
	memmove(less.bytes, less.bytes + from, less.size);
	return less.size >= SBX_SECRET_SHORT ? less : *value;
}

static size_t longest(const char *text, size_t size, const struct value *value)
{
	size_t best = as_text(text, size, value);
	size_t other = as_hex(text, size, value);

	if (other > best)
		best = other;
	for (size_t lead = 0; lead < 6; lead += 2) {
		other = as_base64(text, size, value, lead);
		if (other > best)
			best = other;
	}
	return best;
}

/* Where each byte's escape of JSON begins, or the byte itself. */
static size_t *escape_starts(const char *text, size_t size)
{
	size_t *starts = sbx_calloc(size + 1, sizeof(*starts));

	for (size_t at = 0; at < size;) {
		size_t n = 1;

		if (text[at] == '\\' && at + 1 < size) {
			n = text[at + 1] == 'u' ||
					    (text[at + 1] &&
					     strchr("\"\\/bfnrt", text[at + 1]))
				    ? 2
				    : 0;
			while (n >= 2 && text[at + 1] == 'u' && n < 6 &&
			       at + n < size && hex_value(text[at + n]) >= 0)
				n++;
		}
		/* No escape of JSON, but what follows begins none either. */
		if (n == 0) {
			starts[at] = at;
			starts[at + 1] = at + 1;
			at += 2;
			continue;
		}
		for (size_t i = 0; i < n; i++)
			starts[at + i] = at;
		at += n;
	}
	return starts;
}

static void read_plainly(struct sbx_buf *out, const struct values *values,
			 const char *text, size_t size)
{
	size_t *starts = escape_starts(text, size);
	char *is_gone = sbx_calloc(size + 1, 1);

	for (size_t at = 0; at < size; at++) {
		for (size_t v = 0; v < 2 * values->n; v++) {
			struct value less = trimmed(&values->v[v / 2]);
			size_t n = longest(text + at, size - at,
					   v % 2 ? &less : &values->v[v / 2]);

			if (n)
				memset(is_gone + starts[at], 1,
				       at + n - starts[at]);
		}
	}
	for (size_t at = 0; at < size; at++) {
		if (!is_gone[at])
			sbx_buf_append(out, text + at, 1);
		else if (at == 0 || !is_gone[at - 1])
			sbx_buf_puts(out, SBX_REDACTED);
	}
	free(is_gone);
	free(starts);
}

/* --- ours ------------------------------------------------------------------ */

static void to_buf(void *ctx, const void *data, size_t size)
{
	must(size > 0);
	must(sbx_buf_append(ctx, data, size) == size);
}

static void redact(struct sbx_buf *out, const struct sbx_redactor *redactor,
		   const char *data, size_t size, unsigned int kind,
		   bool is_cut)
{
	struct sbx_redaction *redaction = NULL;
	struct fuzz_pieces pieces = fuzz_pieces(kind);
	struct sbx_error err = fuzz_error();

	must(sbx_redaction_new(&redaction, redactor, &err) == 0);
	while (size > 0) {
		size_t piece = fuzz_piece(&pieces, size);
		char *exact = fuzz_exact(data, piece);
		int result = sbx_redaction_feed(redaction, exact, piece, to_buf,
						out, &err);

		must(result == 0);
		must_fit(result, &err);
		free(exact);
		data += piece;
		size -= piece;
	}
	sbx_redaction_end(redaction, is_cut, to_buf, out);
	sbx_redaction_free(&redaction);
}

static bool holds(const struct sbx_buf *buf, const char *part, size_t size)
{
	return buf->len && memmem(buf->data, buf->len, part, size);
}

static void must_not_hold(const struct sbx_buf *out, const struct value *value)
{
	char hex[2 * VALUE_MAX + 1];
	char percent[3 * VALUE_MAX + 1];

	for (size_t i = 0; i < value->size; i++) {
		snprintf(hex + 2 * i, 3, "%02x", value->bytes[i]);
		snprintf(percent + 3 * i, 4, "%%%02X", value->bytes[i]);
	}
	must(!holds(out, (const char *)value->bytes, value->size));
	must(!holds(out, hex, 2 * value->size));
	must(!holds(out, percent, 3 * value->size));
}

static bool is_same(const struct sbx_buf *a, const struct sbx_buf *b)
{
	return a->len == b->len &&
	       (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void check(const struct values *values, bool is_plain,
		  const struct sbx_redactor *redactor, const char *data,
		  size_t size)
{
	struct sbx_buf whole = SBX_BUF_INIT(4 * size + 4);
	struct sbx_buf cut = SBX_BUF_INIT(4 * size + 4);
	struct sbx_buf plain = SBX_BUF_INIT(4 * size + 4);

	redact(&whole, redactor, data, size, 0, false);
	redact(&cut, redactor, data, size, 0, true);
	for (unsigned int kind = 1; kind < 2 * FUZZ_PIECES; kind++) {
		bool is_cut = kind >= FUZZ_PIECES;
		struct sbx_buf parts = SBX_BUF_INIT(4 * size + 4);

		redact(&parts, redactor, data, size, kind % FUZZ_PIECES,
		       is_cut);
		must(is_same(&parts, is_cut ? &cut : &whole));
		sbx_buf_free(&parts);
	}
	for (size_t i = 0; i < values->n; i++) {
		must_not_hold(&whole, &values->v[i]);
		must_not_hold(&cut, &values->v[i]);
	}
	if (is_plain) {
		read_plainly(&plain, values, data, size);
		must(is_same(&plain, &whole));
	}
	sbx_buf_free(&whole);
	sbx_buf_free(&cut);
	sbx_buf_free(&plain);
}

/* A '*' in a value is in the marks as well; one in the text looks like one. */
static void no_marks(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '*')
			text[i] = '.';
	}
}

static void take_values(struct fuzz_input *input, struct values *values)
{
	char line[VALUE_MAX + 1];

	while (input->size > 0 && values->n < VALUES_MAX) {
		const char *at = input->at;
		struct value *value = &values->v[values->n];

		fuzz_line(input, line, sizeof(line));
		if (strcmp(line, "%%") == 0)
			return;
		value->size = (size_t)(input->at - at);
		if (value->size > 0 && input->at[-1] == '\n')
			value->size--;
		if (value->size > VALUE_MAX)
			value->size = VALUE_MAX;
		memcpy(value->bytes, line, value->size);
		no_marks((char *)value->bytes, value->size);
		values->n += value->size > 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = (const char *)data, .size = size };
	struct sbx_secrets secrets = { .n = 0 };
	struct sbx_redactor *redactor = NULL;
	struct sbx_error err = fuzz_error();
	struct values values = { .n = 0 };
	bool is_plain = true;
	char *text;

	take_values(&input, &values);
	text = fuzz_exact(input.at, input.size);
	no_marks(text, input.size);
	for (size_t i = 0; i < values.n; i++) {
		const struct value *value = &values.v[i];
		unsigned char *memory;
		char name[2] = { (char)('A' + i), '\0' };

		must(sbx_secret_alloc(&memory, value->size, &err) == 0);
		memcpy(memory, value->bytes, value->size);
		sbx_secrets_set(&secrets, name, &memory, value->size);
		if (memchr(value->bytes, '%', value->size) ||
		    memchr(value->bytes, '\\', value->size))
			is_plain = false;
	}
	must(sbx_redactor_new(&redactor, &secrets, &err) == 0);
	must((redactor != NULL) == (values.n > 0));
	if (input.size > 0 && input.size < 4096)
		check(&values, is_plain, redactor, text, input.size);
	sbx_redactor_free(&redactor);
	sbx_secrets_clear(&secrets);
	free(text);
	return 0;
}
