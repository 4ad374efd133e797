/* How a function answers: faults first, then what the script has for the GPU or instance it is asked of. */

#ifndef ANSWERING_H
#define ANSWERING_H

#include "script.h"

enum { OK = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, TIMEOUT = 10 };
#define BAD_VERSION 25

struct device { int gpu, part; };
static struct device devices[MAX_GPUS][MAX_INSTANCES + 1];
static int started;

typedef struct device *device;

static int with_rules(int gpu, const char *function) {
    double began = now();
    for (;;) { /* what hangs goes on as soon as the script lets it */
        const struct script *s = script();
        int code = OK, hangs = 0;
        for (int i = 0; i < s->rule_count; i++) {
            const struct rule *r = &s->rules[i];
            if ((r->gpu != ALL && r->gpu != gpu) || (strcmp(r->function, "*") && strcmp(r->function, function)))
                continue;
            if (now() - began < r->hang) hangs = 1;
            if (r->code < 0) raise(-r->code); /* a signal */
            if (r->code) code = r->code;
        }
        if (!hangs) return code;
        usleep(2000);
    }
}

static int enter(device d, const char *function) {
    if (!started) return UNINITIALIZED;
    if (d == NULL) return INVALID;
    return with_rules(d->gpu, function);
}

static const struct part *part(device d) { return &script()->parts[d->gpu][d->part]; }

#define ENTER(d)                            \
    do {                                    \
        int code_ = enter((d), __func__);   \
        if (code_ != OK) return code_;      \
    } while (0)

static int give(device d, enum value_id id, uint64_t *found) {
    const struct value *v = &part(d)->values[id];
    if (v->kind == ABSENT) return NOT_SUPPORTED;
    *found = figure(v);
    return OK;
}

static int give_uint(device d, enum value_id id, unsigned *out) {
    uint64_t found;
    int code = give(d, id, &found);
    if (code == OK) *out = (unsigned)found;
    return code;
}

static int give_text(const char *text, char *out, unsigned size) {
    if (text[0] == 0) return NOT_SUPPORTED;
    if (strlen(text) >= size) return TOO_SMALL;
    strcpy(out, text);
    return OK;
}

#endif
