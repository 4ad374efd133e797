/* The script: what each GPU is to answer, read from the file that SCRIPTED_NVML names, and again when it changed. */

#ifndef SCRIPT_H
#define SCRIPT_H

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_GPUS 16
#define MAX_INSTANCES 8
#define MAX_PROCESSES 512
#define MAX_RULES 256
#define MAX_XIDS 64
#define ALL (-1)

#define VALUES(X)                                                                                              \
    X(utilisation) X(memory_utilisation) X(encoder) X(decoder) X(jpeg) X(optical_flow) X(memory_total)         \
    X(memory_used) X(memory_reserved) X(temperature) X(memory_temperature) X(power) X(power_limit) X(sm_clock) \
    X(sm_clock_max) X(memory_clock) X(memory_clock_max) X(fan) X(performance_state) X(throttle)                \
    X(ecc_corrected) X(ecc_uncorrected) X(remapped_corrected) X(remapped_uncorrected) X(remapped_pending)      \
    X(remapped_failed) X(retired_pages) X(pcie_sent) X(pcie_received) X(pcie_generation) X(pcie_width)         \
    X(nvlink_sent) X(nvlink_received) X(mig) X(compute_mode) X(minor)

#define AS_ENUM(name) V_##name,
enum value_id { VALUES(AS_ENUM) VALUE_COUNT };
#define AS_TEXT(name) #name,
static const char *const value_names[] = { VALUES(AS_TEXT) };

/* const a | sine middle amplitude period phase | ramp from to seconds | counter rate | na */
enum kind { ABSENT, CONST, SINE, RAMP, COUNTER, NA };
struct value { enum kind kind; double a, b, c, d; };

struct process { int gpu, instance; int graphics; unsigned pid; struct value memory, sm; };
struct rule { int gpu; char function[64]; int code; double hang; };
struct xid { int gpu; unsigned code; double at; };

struct part { int there; char uuid[96], name[96], bus[32]; struct value values[VALUE_COUNT]; };

struct script {
    int gpus, start, cuda, long_processes, overrun;
    char driver[80], nvml[80];
    struct part parts[MAX_GPUS][MAX_INSTANCES + 1]; /* 0 is the card */
    struct process processes[MAX_PROCESSES];
    struct rule rules[MAX_RULES];
    struct xid xids[MAX_XIDS];
    int process_count, rule_count, xid_count;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct value parse_value(const char *text) {
    struct value v = { ABSENT, 0, 0, 0, 0 };
    char kind[16] = "";
    if (text == NULL || sscanf(text, "%15s", kind) != 1 || strcmp(kind, "-") == 0) return v;
    if (strcmp(kind, "na") == 0) v.kind = NA;
    else if (sscanf(text, "sine %lf %lf %lf %lf", &v.a, &v.b, &v.c, &v.d) == 4) v.kind = SINE;
    else if (sscanf(text, "ramp %lf %lf %lf", &v.a, &v.b, &v.c) == 3) v.kind = RAMP;
    else if (sscanf(text, "counter %lf", &v.a) == 1) v.kind = COUNTER;
    else if (sscanf(text, "%lf", &v.a) == 1) v.kind = CONST;
    return v;
}

static uint64_t figure(const struct value *v) {
    double x = v->a, t = now();
    if (v->kind == NA) return UINT64_MAX;
    if (v->kind == SINE) x = v->a + v->b * sin(2 * M_PI * (t / v->c + v->d));
    if (v->kind == RAMP) x = v->a + (v->b - v->a) * fmod(t, v->c) / v->c;
    if (v->kind == COUNTER) x = v->a * fmod(t, 1e6);
    return x < 0 ? 0 : (uint64_t)(x + 0.5);
}

static void parse_part(struct part *part, const char *name, const char *rest) {
    part->there = 1;
    if (strcmp(name, "uuid") == 0) snprintf(part->uuid, sizeof part->uuid, "%s", rest);
    if (strcmp(name, "name") == 0) snprintf(part->name, sizeof part->name, "%s", rest);
    if (strcmp(name, "bus") == 0) snprintf(part->bus, sizeof part->bus, "%s", rest);
    for (int id = 0; id < VALUE_COUNT; id++)
        if (strcmp(name, value_names[id]) == 0) part->values[id] = parse_value(rest);
}

/* One line: a word, then what it needs, tabs between. GPU "*" means all. */
static void parse_line(struct script *s, char *line) {
    char *word[8] = { 0 };
    int n = 0;
    for (char *at = strtok(line, "\t\n"); at != NULL && n < 8; at = strtok(NULL, "\t\n")) word[n++] = at;
    if (n < 2 || word[0][0] == '#') return;
    int number = strcmp(word[1], "*") == 0 ? ALL : atoi(word[1]), gpu = number;
    if (strcmp(word[0], "start") == 0) s->start = number;
    else if (strcmp(word[0], "cuda") == 0) s->cuda = number;
    else if (strcmp(word[0], "long_processes") == 0) s->long_processes = number;
    else if (strcmp(word[0], "overrun") == 0) s->overrun = number;
    else if (strcmp(word[0], "driver") == 0) snprintf(s->driver, sizeof s->driver, "%s", word[1]);
    else if (strcmp(word[0], "nvml") == 0) snprintf(s->nvml, sizeof s->nvml, "%s", word[1]);
    else if (gpu >= MAX_GPUS) return;
    else if (strcmp(word[0], "gpu") == 0 && n >= 4) {
        parse_part(&s->parts[gpu][0], word[2], word[3]);
        if (gpu >= s->gpus) s->gpus = gpu + 1;
    } else if (strcmp(word[0], "instance") == 0 && n >= 5 && atoi(word[2]) < MAX_INSTANCES)
        parse_part(&s->parts[gpu][1 + atoi(word[2])], word[3], word[4]);
    else if (strcmp(word[0], "process") == 0 && n >= 7 && s->process_count < MAX_PROCESSES) {
        struct process *p = &s->processes[s->process_count++];
        p->gpu = gpu;
        p->instance = atoi(word[2]); /* -1: the card */
        p->graphics = strcmp(word[3], "graphics") == 0;
        p->pid = (unsigned)strtoul(word[4], NULL, 10);
        p->memory = parse_value(word[5]);
        p->sm = parse_value(word[6]);
    } else if (strcmp(word[0], "fault") == 0 && n >= 5 && s->rule_count < MAX_RULES) {
        struct rule *r = &s->rules[s->rule_count++];
        r->gpu = gpu;
        snprintf(r->function, sizeof r->function, "%s", word[2]);
        r->code = atoi(word[3]);
        r->hang = atof(word[4]);
    } else if (strcmp(word[0], "xid") == 0 && n >= 4 && s->xid_count < MAX_XIDS) {
        struct xid *x = &s->xids[s->xid_count++];
        x->gpu = gpu;
        x->code = (unsigned)atoi(word[2]);
        x->at = atof(word[3]);
    }
}

static const struct script empty_script;
static const struct script *current = &empty_script;
static pthread_mutex_t script_lock = PTHREAD_MUTEX_INITIALIZER;

/* The script as it is now. One that is replaced is kept: another thread may still look at it. */
static const struct script *script(void) {
    static struct stat seen;
    static double looked;
    pthread_mutex_lock(&script_lock);
    double at = now();
    const char *path = getenv("SCRIPTED_NVML");
    if (path != NULL && (at - looked > 0.005 || at < looked)) {
        struct stat found;
        looked = at;
        if (stat(path, &found) == 0 &&
            (found.st_ino != seen.st_ino || found.st_size != seen.st_size ||
             memcmp(&found.st_mtim, &seen.st_mtim, sizeof found.st_mtim) != 0)) {
            FILE *file = fopen(path, "r");
            struct script *made = calloc(1, sizeof *made);
            char line[512];
            while (file != NULL && made != NULL && fgets(line, sizeof line, file) != NULL) parse_line(made, line);
            if (file != NULL) fclose(file);
            if (made != NULL) current = made;
            seen = found;
        }
    }
    const struct script *found = current;
    pthread_mutex_unlock(&script_lock);
    return found;
}

#endif
