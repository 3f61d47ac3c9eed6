/* SPDX-License-Identifier: MIT */
/*
 * libyaml gives events: a YAML 1.1 syntax without opinion on what scalars
 * mean, which is decided in yaml_scalar.c.  From the events grow two trees at
 * once, the JSON values and beside them the nodes, which know the places.
 *
 * An alias becomes a node that points to its target, and the JSON value is
 * shared, so that a bomb of aliases costs nothing.  Each node knows what it
 * would be written out (nodes, bytes, levels), and that is what the limits
 * are held against.
 */
#include "codec/yaml_node.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/yaml_scalar.h"

/*
 * @anchors	name to index in @anchored
 * @nodes, @text	so far in the document, written out
 */
struct parse {
	yaml_parser_t parser;
	const char *data;
	size_t size;
	struct sbx_yaml *yaml;
	json_t *anchors;
	struct sbx_yaml_node **anchored;
	size_t n_anchored;
	size_t nodes;
	size_t text;
	struct sbx_error *err;
};

static struct sbx_yaml_place place_of(yaml_mark_t mark)
{
	return (struct sbx_yaml_place){ .line = (unsigned int)mark.line + 1,
					.column =
						(unsigned int)mark.column + 1 };
}

static int fail(struct parse *parse, struct sbx_yaml_place place,
		const char *message)
{
	return sbx_error_set(parse->err, SBX_OUTCOME_INVALID, "%u:%u: %s",
			     place.line, place.column, message);
}

static void fault(struct parse *parse, struct sbx_yaml_place place,
		  const char *message)
{
	if (parse->yaml->faults.n == SBX_YAML_FAULTS_MAX)
		return;
	sbx_strv_push_take(
		&parse->yaml->faults,
		sbx_asprintf("%u:%u: %s", place.line, place.column, message));
}

/* --- what is no text ------------------------------------------------------ */

/* YAML 1.2.2, production c-printable. */
static bool is_printable(uint32_t code)
{
	return code == '\t' || code == '\n' || code == '\r' || code == 0x85 ||
	       (code >= 0x20 && code <= 0x7e) ||
	       (code >= 0xa0 && code <= 0xfffd) || code >= 0x10000;
}

static int refuse_character(struct parse *parse, struct sbx_yaml_place place,
			    const char *at, uint32_t code)
{
	cleanup_free char *message = NULL;

	if (memchr(parse->data, 0, parse->size))
		message = sbx_asprintf("found the byte 0x%02x, and NUL bytes: "
				       "this is a binary file, expected text",
				       (unsigned char)*at);
	else if (code == 0xfffd)
		message = sbx_asprintf("found the byte 0x%02x, which is not "
				       "UTF-8: save the file as UTF-8 text",
				       (unsigned char)*at);
	else
		message = sbx_asprintf("found the control character U+%04X: "
				       "remove it, or write it as an escape "
				       "in double quotes",
				       code);
	return fail(parse, place, message);
}

/*
 * libyaml would take UTF-16, and tells no place for what it cannot decode:
 * so look first.
 */
static int check_characters(struct parse *parse)
{
	struct sbx_yaml_place place = { 1, 1 };
	uint32_t code;
	size_t step;

	for (size_t i = 0; i < parse->size; i += step) {
		const char *at = parse->data + i;

		step = sbx_text_next(at, parse->size - i, &code);
		if (!is_printable(code) ||
		    (code == 0xfffd && memcmp(at, "\xef\xbf\xbd", step) != 0))
			return refuse_character(parse, place, at, code);
		place.column++;
		if (code == '\n')
			place = (struct sbx_yaml_place){ place.line + 1, 1 };
	}
	return 0;
}

/* --- events --------------------------------------------------------------- */

/* True when @place is a tab, which YAML does not take as indentation. */
static bool is_tab(const struct parse *parse, struct sbx_yaml_place place)
{
	const char *at = parse->data;
	const char *end = parse->data + parse->size;

	for (; at && place.line > 1; place.line--) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	return at && place.column <= (size_t)(end - at) &&
	       at[place.column - 1] == '\t';
}

static int syntax_error(struct parse *parse)
{
	const yaml_parser_t *parser = &parse->parser;
	struct sbx_yaml_place place = place_of(parser->problem_mark);
	cleanup_free char *message = NULL;

	if (parser->error == YAML_MEMORY_ERROR)
		abort();
	if (is_tab(parse, place))
		message = sbx_strdup("found a tab: YAML is indented by spaces");
	else if (parser->context)
		message = sbx_asprintf("%s, %s that starts at line %zu",
				       parser->problem, parser->context,
				       parser->context_mark.line + 1);
	else
		message = sbx_strdup(parser->problem);
	return fail(parse, place, message);
}

static int next_event(struct parse *parse, yaml_event_t *event)
{
	if (!yaml_parser_parse(&parse->parser, event))
		return syntax_error(parse);
	return 0;
}

/* --- nodes ---------------------------------------------------------------- */

static struct sbx_yaml_node *new_node(struct parse *parse,
				      const yaml_event_t *event, json_t *json)
{
	struct sbx_yaml_node *node = sbx_calloc(1, sizeof(*node));

	node->json = json;
	node->value = place_of(event->start_mark);
	node->key = node->value;
	node->nodes = 1;
	node->older = parse->yaml->newest;
	parse->yaml->newest = node;
	return node;
}

/* Holds @node, which is new below @depth levels, against the limits. */
static int count(struct parse *parse, const struct sbx_yaml_node *node,
		 unsigned int depth)
{
	parse->nodes += node->nodes;
	parse->text += node->text;
	if (depth + node->height > SBX_YAML_DEPTH_MAX)
		return fail(parse, node->value,
			    "this is nested too deeply: 64 levels are "
			    "allowed");
	if (parse->nodes > SBX_YAML_NODES_MAX)
		return fail(parse, node->value,
			    "there is too much here: 100000 values are "
			    "allowed, aliases written out");
	if (parse->text > SBX_YAML_TEXT_MAX)
		return fail(parse, node->value,
			    "there is too much text here: 16 MiB are "
			    "allowed, aliases written out");
	return 0;
}

static void remember_anchor(struct parse *parse, const yaml_char_t *name,
			    struct sbx_yaml_node *node)
{
	if (!name)
		return;
	parse->anchored =
		sbx_realloc(parse->anchored,
			    (parse->n_anchored + 1) * sizeof(*parse->anchored));
	parse->anchored[parse->n_anchored] = node;
	json_object_set_new(parse->anchors, (const char *)name,
			    json_integer((json_int_t)parse->n_anchored));
	parse->n_anchored++;
}

static int parse_alias(struct parse *parse, const yaml_event_t *event,
		       unsigned int depth, struct sbx_yaml_node **out)
{
	const char *name = (const char *)event->data.alias.anchor;
	json_t *index = json_object_get(parse->anchors, name);
	struct sbx_yaml_place place = place_of(event->start_mark);
	struct sbx_yaml_node *target;
	struct sbx_yaml_node *node;

	if (!index)
		return fail(parse, place,
			    "this alias has no anchor before it: quote the "
			    "text if its * is meant");
	target = parse->anchored[json_integer_value(index)];
	if (target->open)
		return fail(parse, place,
			    "this alias stands inside what it refers to");
	node = new_node(parse, event, json_incref(target->json));
	node->target = target->target ? target->target : target;
	node->nodes = target->nodes;
	node->text = target->text;
	node->height = target->height;
	*out = node;
	return count(parse, node, depth);
}

static int parse_scalar(struct parse *parse, const yaml_event_t *event,
			unsigned int depth, struct sbx_yaml_node **out)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;
	const char *why = "this is no text";
	json_t *json;

	json = sbx_yaml_scalar(
		text, size, (const char *)event->data.scalar.tag,
		event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE, &why);
	if (!json)
		fault(parse, place_of(event->start_mark), why);
	*out = new_node(parse, event, json ? json : json_null());
	(*out)->text = size;
	remember_anchor(parse, event->data.scalar.anchor, *out);
	return count(parse, *out, depth);
}

static void check_tag(struct parse *parse, const yaml_event_t *event,
		      const yaml_char_t *tag, const char *type)
{
	const char *name = (const char *)tag;

	if (!name || (sbx_text_has_prefix(name, SBX_YAML_TAG_PREFIX) &&
		      strcmp(name + strlen(SBX_YAML_TAG_PREFIX), type) == 0))
		return;
	fault(parse, place_of(event->start_mark),
	      "this tag is not supported here: only !!seq for lists and !!map "
	      "for mappings are");
}

/* --- collections ---------------------------------------------------------- */

static int parse_node(struct parse *parse, const yaml_event_t *event,
		      unsigned int depth, struct sbx_yaml_node **out);

/* The next node inside a collection, or NULL at its end. */
static int parse_inner(struct parse *parse, unsigned int depth,
		       struct sbx_yaml_node **out)
{
	yaml_event_t event;
	int result = 0;

	*out = NULL;
	if (next_event(parse, &event) < 0)
		return -1;
	if (event.type != YAML_SEQUENCE_END_EVENT &&
	    event.type != YAML_MAPPING_END_EVENT)
		result = parse_node(parse, &event, depth, out);
	yaml_event_delete(&event);
	return result;
}

/* What @inner adds to what @node is, written out. */
static void add_up(struct sbx_yaml_node *node,
		   const struct sbx_yaml_node *inner)
{
	node->nodes += inner->nodes;
	node->text += inner->text;
	if (node->height <= inner->height)
		node->height = inner->height + 1;
}

static int parse_sequence(struct parse *parse, struct sbx_yaml_node *node,
			  unsigned int depth)
{
	struct sbx_yaml_node **tail = &node->first;
	struct sbx_yaml_node *element;

	for (;;) {
		if (parse_inner(parse, depth, &element) < 0)
			return -1;
		if (!element)
			return 0;
		json_array_append(node->json, element->json);
		add_up(node, element);
		*tail = element;
		tail = &element->next;
	}
}

/* The key as a string, NULL (and a fault) for one that can be none. */
static const char *key_name(struct parse *parse,
			    const struct sbx_yaml_node *key)
{
	const char *name = json_string_value(key->json);

	if (!name)
		fault(parse, key->value,
		      json_is_array(key->json) || json_is_object(key->json)
			      ? "found a list or mapping as a key, expected a "
				"text"
			      : "found a key that is not a text: put it in "
				"quotes");
	else if (strlen(name) != json_string_length(key->json))
		fault(parse, key->value, "found a NUL character in a key");
	else
		return name;
	return NULL;
}

static void duplicate_key(struct parse *parse, const struct sbx_yaml_node *node,
			  const struct sbx_yaml_node *key, const char *name)
{
	const struct sbx_yaml_node *other;
	struct sbx_buf message = SBX_BUF_INIT(512);

	if (parse->yaml->faults.n == SBX_YAML_FAULTS_MAX)
		return;
	other = sbx_yaml_member(node, name);
	sbx_buf_puts(&message, "duplicate key \"");
	sbx_text_escape(&message, name, strnlen(name, 100), false);
	sbx_buf_printf(&message, "\": it is at %u:%u already; remove one",
		       other->key.line, other->key.column);
	fault(parse, key->value, sbx_buf_text(&message));
	sbx_buf_free(&message);
}

static int parse_mapping(struct parse *parse, struct sbx_yaml_node *node,
			 unsigned int depth)
{
	struct sbx_yaml_node **tail = &node->first;
	struct sbx_yaml_node *key;
	struct sbx_yaml_node *value;

	for (;;) {
		if (parse_inner(parse, depth, &key) < 0)
			return -1;
		if (!key)
			return 0;
		if (parse_inner(parse, depth, &value) < 0)
			return -1;
		if (!value) /* libyaml gives every key one */
			return 0;
		add_up(node, key);
		add_up(node, value);
		value->key = key->value;
		value->name = key_name(parse, key);
		if (!value->name)
			continue;
		if (json_object_get(node->json, value->name)) {
			duplicate_key(parse, node, key, value->name);
			continue;
		}
		json_object_set(node->json, value->name, value->json);
		*tail = value;
		tail = &value->next;
	}
}

static int parse_collection(struct parse *parse, const yaml_event_t *event,
			    unsigned int depth, struct sbx_yaml_node **out)
{
	bool mapping = event->type == YAML_MAPPING_START_EVENT;
	struct sbx_yaml_node *node;
	int result;

	node = new_node(parse, event, mapping ? json_object() : json_array());
	*out = node;
	node->height = 1;
	node->open = true;
	if (mapping) {
		check_tag(parse, event, event->data.mapping_start.tag, "map");
		remember_anchor(parse, event->data.mapping_start.anchor, node);
	} else {
		check_tag(parse, event, event->data.sequence_start.tag, "seq");
		remember_anchor(parse, event->data.sequence_start.anchor, node);
	}
	if (count(parse, node, depth) < 0)
		return -1;
	result = mapping ? parse_mapping(parse, node, depth + 1)
			 : parse_sequence(parse, node, depth + 1);
	node->open = false;
	return result;
}

static int parse_node(struct parse *parse, const yaml_event_t *event,
		      unsigned int depth, struct sbx_yaml_node **out)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return parse_alias(parse, event, depth, out);
	case YAML_SCALAR_EVENT:
		return parse_scalar(parse, event, depth, out);
	default:
		return parse_collection(parse, event, depth, out);
	}
}

/* --- the document --------------------------------------------------------- */

/*
 * One event of the stream: stream start, document start, root node, document
 * end, stream end, which is positive.
 */
static int parse_event(struct parse *parse, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_STREAM_END_EVENT:
		return 1;
	case YAML_DOCUMENT_START_EVENT:
		if (parse->yaml->root)
			return fail(parse, place_of(event->start_mark),
				    "found a second document, expected one");
		return 0;
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	default:
		return parse_node(parse, event, 0, &parse->yaml->root);
	}
}

static int parse_stream(struct parse *parse)
{
	yaml_event_t event;
	int result;

	do {
		if (next_event(parse, &event) < 0)
			return -1;
		result = parse_event(parse, &event);
		if (result > 0 && !parse->yaml->root)
			parse->yaml->root =
				new_node(parse, &event, json_null());
		yaml_event_delete(&event);
	} while (result == 0);
	return result < 0 ? -1 : 0;
}

/*
 * Told the encoding, libyaml (0.2.5) takes a byte order mark for content, and
 * then finds none at the start of the line after it.
 */
static void skip_byte_order_mark(struct parse *parse)
{
	static const char mark[] = { '\xef', '\xbb', '\xbf' };

	if (parse->size < sizeof(mark) ||
	    memcmp(parse->data, mark, sizeof(mark)) != 0)
		return;
	parse->data += sizeof(mark);
	parse->size -= sizeof(mark);
}

static int parse_text(struct parse *parse)
{
	int result;

	skip_byte_order_mark(parse);
	if (check_characters(parse) < 0)
		return -1;
	if (!yaml_parser_initialize(&parse->parser))
		abort();
	yaml_parser_set_encoding(&parse->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parse->parser,
				     (const unsigned char *)parse->data,
				     parse->size);
	result = parse_stream(parse);
	yaml_parser_delete(&parse->parser);
	return result;
}

int sbx_yaml_parse(const char *data, size_t size, struct sbx_yaml **out,
		   struct sbx_error *err)
{
	struct sbx_yaml *yaml = sbx_calloc(1, sizeof(*yaml));
	struct parse parse = { .data = data,
			       .size = size,
			       .yaml = yaml,
			       .anchors = json_object(),
			       .err = err };
	int result = parse_text(&parse);

	free(parse.anchored);
	json_decref(parse.anchors);
	if (result < 0) {
		sbx_yaml_free(&yaml);
		return -1;
	}
	*out = yaml;
	if (yaml->faults.n == 0)
		return 0;
	sbx_error_set(err, SBX_OUTCOME_INVALID, "%s", yaml->faults.v[0]);
	return SBX_YAML_FAULTY;
}
