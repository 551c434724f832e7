// The tests' guest in C: asks who it is, tells the upstream, and marks the response.
//
// No stdio: it would import files and a clock, which a plugin does not get.

#include <stdlib.h>
#include <string.h>

#include "plugin.h"

// Strings that are handed over are freed by the bindings, so each is a copy.
static plugin_string_t text(const char *text) {
    plugin_string_t copy;
    plugin_string_dup(&copy, text);
    return copy;
}

// For arguments, which stay the caller's.
#define LITERAL(text) ((plugin_string_t){(uint8_t *)(text), sizeof(text) - 1})

void exports_tollgate_plugin_lifecycle_describe(exports_tollgate_plugin_lifecycle_descriptor_t *descriptor) {
    descriptor->name = text("guest-c");
    descriptor->version = text("0.1.0");
    descriptor->summary = text("Asks who it is");
    descriptor->config_schema = text("");
    descriptor->wants.ptr = NULL;
    descriptor->wants.len = 0;
}

bool exports_tollgate_plugin_lifecycle_configure(plugin_string_t *config, plugin_string_t *error) {
    plugin_string_free(config);
    return true;
}

// A value in the making, cut where it is full.
typedef struct {
    char text[256];
    size_t length;
} value_t;

static void add(value_t *value, const void *text, size_t length) {
    size_t space = sizeof value->text - value->length;
    size_t fits = length < space ? length : space;
    memcpy(value->text + value->length, text, fits);
    value->length += fits;
}

static plugin_string_t whole(value_t *value) { return (plugin_string_t){(uint8_t *)value->text, value->length}; }

static void ask(tollgate_plugin_types_answer_t *answer) {
    answer->status = 401;
    answer->headers.len = 1;
    answer->headers.ptr = malloc(sizeof(tollgate_plugin_types_header_t));
    answer->headers.ptr[0].name = text("x-asked-by");
    answer->headers.ptr[0].value = text("c");
    plugin_string_t body = text("who are you?");
    answer->body.ptr = body.ptr;
    answer->body.len = body.len;
}

// The mistakes C lets one make, each at a client's word.

static volatile int sum;

static int deeper(int depth) {
    // Never: the stack ends first.
    if (depth < 0) return 0;
    volatile char frame[4096];
    frame[depth % sizeof frame] = (char)depth;
    // Used afterwards, so that the call is no loop.
    return deeper(depth + 1) + frame[0];
}

static void fail_as(const plugin_string_t *fault) {
    const char *name = (const char *)fault->ptr;
    size_t length = fault->len;
    if (length == 8 && memcmp(name, "overflow", 8) == 0) sum = deeper(0);
    if (length == 4 && memcmp(name, "wild", 4) == 0) *(volatile int *)0xfffffff0 = 1;
    if (length == 5 && memcmp(name, "abort", 5) == 0) abort();
    if (length == 4 && memcmp(name, "spin", 4) == 0) for (;;) sum++;
    if (length == 5 && memcmp(name, "greed", 5) == 0) {
        // Not looked at, as in a program that trusts its allocator.
        for (;;) *(volatile char *)malloc(1 << 20) = 1;
    }
    if (length == 7 && memcmp(name, "corrupt", 7) == 0) {
        // Writes over the allocator's own notes, then has it use them.
        char *small = malloc(16);
        memset(small - 32, 0xff, 4096);
        for (int i = 0; i < 64; i++) free(malloc(16 + i));
        abort();
    }
}

void exports_tollgate_plugin_request_filter_on_request(exports_tollgate_plugin_request_filter_verdict_t *verdict) {
    plugin_string_t fault_field = LITERAL("x-fault"), fault;
    if (tollgate_plugin_request_header(&fault_field, &fault)) fail_as(&fault);
    plugin_string_t asked = LITERAL("x-who"), who;
    if (!tollgate_plugin_request_header(&asked, &who)) {
        verdict->tag = EXPORTS_TOLLGATE_PLUGIN_REQUEST_FILTER_VERDICT_RESPOND;
        ask(&verdict->val.respond);
        return;
    }
    plugin_string_t note = LITERAL("guest.who"), field = LITERAL("x-greeting");
    tollgate_plugin_attributes_attribute_error_t not_noted;
    tollgate_plugin_attributes_set(&note, &who, &not_noted);
    value_t greeting = {.length = 0};
    add(&greeting, "hello ", 6);
    add(&greeting, who.ptr, who.len);
    plugin_string_t value = whole(&greeting);
    tollgate_plugin_request_header_error_t not_set;
    tollgate_plugin_request_set_header(&field, &value, &not_set);
    plugin_string_free(&who);
    verdict->tag = EXPORTS_TOLLGATE_PLUGIN_REQUEST_FILTER_VERDICT_NEXT;
}

void exports_tollgate_plugin_request_filter_on_request_body(
    plugin_list_u8_t *body, exports_tollgate_plugin_request_filter_body_verdict_t *verdict) {
    plugin_list_u8_free(body);
    verdict->tag = EXPORTS_TOLLGATE_PLUGIN_REQUEST_FILTER_BODY_VERDICT_NEXT;
}

void exports_tollgate_plugin_response_filter_on_response(
    exports_tollgate_plugin_response_filter_response_verdict_t *verdict) {
    plugin_string_t note = LITERAL("guest.who"), field = LITERAL("x-guest"), who;
    bool noted = tollgate_plugin_attributes_get(&note, &who);
    uint16_t status = tollgate_plugin_response_status();
    char digits[] = {' ', '0' + status / 100, '0' + status / 10 % 10, '0' + status % 10};
    value_t mark = {.length = 0};
    add(&mark, noted ? (char *)who.ptr : "nobody", noted ? who.len : 6);
    add(&mark, digits, sizeof digits);
    plugin_string_t value = whole(&mark);
    tollgate_plugin_response_header_error_t not_set;
    tollgate_plugin_response_set_header(&field, &value, &not_set);
    if (noted) {
        plugin_string_free(&who);
    }
    plugin_string_t stream = LITERAL("x-stream"), streamed = LITERAL("guest.stream"), wanted;
    if (tollgate_plugin_response_header(&stream, &wanted)) {
        tollgate_plugin_attributes_attribute_error_t not_noted;
        tollgate_plugin_attributes_set(&streamed, &wanted, &not_noted);
        plugin_string_free(&wanted);
    }
    plugin_string_t shout = LITERAL("x-shout");
    if (!tollgate_plugin_response_header(&shout, &wanted)) {
        verdict->tag = EXPORTS_TOLLGATE_PLUGIN_RESPONSE_FILTER_RESPONSE_VERDICT_NEXT;
        return;
    }
    plugin_string_free(&wanted);
    verdict->tag = EXPORTS_TOLLGATE_PLUGIN_RESPONSE_FILTER_RESPONSE_VERDICT_NEED_BODY;
    verdict->val.need_body = 1000;
}

static void to_upper(plugin_list_u8_t *bytes) {
    for (size_t at = 0; at < bytes->len; at++) {
        uint8_t byte = bytes->ptr[at];
        bytes->ptr[at] = byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte;
    }
}

void exports_tollgate_plugin_response_filter_on_response_body(
    plugin_list_u8_t *body, exports_tollgate_plugin_response_filter_response_body_verdict_t *verdict) {
    to_upper(body);
    tollgate_plugin_response_set_body(body);
    plugin_list_u8_free(body);
    verdict->tag = EXPORTS_TOLLGATE_PLUGIN_RESPONSE_FILTER_RESPONSE_BODY_VERDICT_NEXT;
}

void exports_tollgate_plugin_body_filter_on_request_chunk(
    plugin_list_u8_t *chunk, bool last, exports_tollgate_plugin_body_filter_chunk_verdict_t *verdict) {
    plugin_list_u8_free(chunk);
    verdict->tag = EXPORTS_TOLLGATE_PLUGIN_BODY_FILTER_CHUNK_VERDICT_DONE;
}

void exports_tollgate_plugin_body_filter_on_response_chunk(
    plugin_list_u8_t *chunk, bool last, exports_tollgate_plugin_body_filter_chunk_verdict_t *verdict) {
    plugin_string_t note = LITERAL("guest.stream"), wanted;
    if (!tollgate_plugin_attributes_get(&note, &wanted)) {
        plugin_list_u8_free(chunk);
        verdict->tag = EXPORTS_TOLLGATE_PLUGIN_BODY_FILTER_CHUNK_VERDICT_DONE;
        return;
    }
    plugin_string_free(&wanted);
    to_upper(chunk);
    verdict->tag = EXPORTS_TOLLGATE_PLUGIN_BODY_FILTER_CHUNK_VERDICT_REPLACE;
    verdict->val.replace = *chunk;
}
