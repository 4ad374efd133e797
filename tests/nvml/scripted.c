/* A library with NVML's functions that answers as a script says: for tests of what asks a GPU driver.
 *
 * Built by tests/nvml/building.py. A function whose value the script leaves out answers "not supported". */

#include "answering.h"

#define ONE_NUMBER(function, id) \
    int function(device d, unsigned *out) { ENTER(d); return give_uint(d, V_##id, out); }

/* --- the library ------------------------------------------------------------------------------------------- */

static int start(const char *function) {
    int code = with_rules(ALL, function);
    if (code == OK) code = script()->start;
    if (code == OK) started = 1;
    return code;
}

int nvmlInit(void) { return start(__func__); }
int nvmlInit_v2(void) { return start(__func__); }
int nvmlInitWithFlags(unsigned flags) { (void)flags; return start(__func__); }
int nvmlShutdown(void) { return OK; }

const char *nvmlErrorString(int code) {
    static char words[40];
    if (code == NOT_SUPPORTED) return "Not Supported";
    if (code == 15) return "GPU is lost";
    if (code == 18) return "Driver/library version mismatch";
    if (code == 999) return "Unknown Error";
    snprintf(words, sizeof words, "error %d", code);
    return words;
}

#define LIBRARY_RULES                               \
    do {                                            \
        int code_ = with_rules(ALL, __func__);      \
        if (code_ != OK) return code_;              \
    } while (0)

int nvmlSystemGetDriverVersion(char *out, unsigned size) {
    LIBRARY_RULES;
    return give_text(script()->driver, out, size);
}

int nvmlSystemGetNVMLVersion(char *out, unsigned size) {
    LIBRARY_RULES;
    return give_text(script()->nvml, out, size);
}

static int cuda(int *out) {
    *out = script()->cuda;
    return *out ? OK : NOT_SUPPORTED;
}

int nvmlSystemGetCudaDriverVersion(int *out) { LIBRARY_RULES; return cuda(out); }
int nvmlSystemGetCudaDriverVersion_v2(int *out) { LIBRARY_RULES; return cuda(out); }

static int count(unsigned *out) {
    if (!started) return UNINITIALIZED;
    *out = (unsigned)script()->gpus;
    return OK;
}

int nvmlDeviceGetCount(unsigned *out) { LIBRARY_RULES; return count(out); }
int nvmlDeviceGetCount_v2(unsigned *out) { LIBRARY_RULES; return count(out); }

static int handle(unsigned index, device *out, const char *function) {
    if (!started) return UNINITIALIZED;
    if (index >= (unsigned)script()->gpus) return INVALID;
    int code = with_rules((int)index, function);
    devices[index][0].gpu = (int)index;
    *out = &devices[index][0];
    return code;
}

int nvmlDeviceGetHandleByIndex(unsigned index, device *out) { return handle(index, out, __func__); }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, device *out) { return handle(index, out, __func__); }

int nvmlDeviceGetHandleByUUID(const char *uuid, device *out) {
    const struct script *s = script();
    for (int gpu = 0; gpu < s->gpus; gpu++)
        if (strcmp(s->parts[gpu][0].uuid, uuid) == 0) return handle((unsigned)gpu, out, __func__);
    return NOT_FOUND;
}

/* --- what a GPU is --------------------------------------------------------------------------------------- */

int nvmlDeviceGetIndex(device d, unsigned *out) { ENTER(d); *out = (unsigned)d->gpu; return OK; }
int nvmlDeviceGetName(device d, char *out, unsigned n) { ENTER(d); return give_text(part(d)->name, out, n); }
int nvmlDeviceGetUUID(device d, char *out, unsigned n) { ENTER(d); return give_text(part(d)->uuid, out, n); }

struct pci { char legacy[16]; unsigned domain, bus, device, identity, subsystem; char name[32]; };

static int place(device d, struct pci *out, int newest) {
    const char *bus = part(d)->bus;
    if (bus[0] == 0) return NOT_SUPPORTED;
    snprintf(out->legacy, sizeof out->legacy, "%.15s", bus + (strlen(bus) > 12 ? 4 : 0));
    sscanf(bus, "%x:%x:%x", &out->domain, &out->bus, &out->device);
    out->identity = out->subsystem = 0;
    if (newest) snprintf(out->name, sizeof out->name, "%s", bus);
    return OK;
}

int nvmlDeviceGetPciInfo(device d, struct pci *out) { ENTER(d); return place(d, out, 0); }
int nvmlDeviceGetPciInfo_v2(device d, struct pci *out) { ENTER(d); return place(d, out, 0); }
int nvmlDeviceGetPciInfo_v3(device d, struct pci *out) { ENTER(d); return place(d, out, 1); }
ONE_NUMBER(nvmlDeviceGetMinorNumber, minor)
ONE_NUMBER(nvmlDeviceGetComputeMode, compute_mode)

/* --- its figures ----------------------------------------------------------------------------------------- */

int nvmlDeviceGetUtilizationRates(device d, unsigned out[2]) {
    ENTER(d);
    int code = give_uint(d, V_utilisation, &out[0]);
    return code != OK ? code : give_uint(d, V_memory_utilisation, &out[1]);
}

static int engine(device d, enum value_id id, unsigned *out, unsigned *period) {
    *period = 167000;
    return give_uint(d, id, out);
}

int nvmlDeviceGetEncoderUtilization(device d, unsigned *o, unsigned *p) { ENTER(d); return engine(d, V_encoder, o, p); }
int nvmlDeviceGetDecoderUtilization(device d, unsigned *o, unsigned *p) { ENTER(d); return engine(d, V_decoder, o, p); }
int nvmlDeviceGetJpgUtilization(device d, unsigned *o, unsigned *p) { ENTER(d); return engine(d, V_jpeg, o, p); }
int nvmlDeviceGetOfaUtilization(device d, unsigned *o, unsigned *p) { ENTER(d); return engine(d, V_optical_flow, o, p); }

struct memory { uint64_t total, free, used; };
struct memory_v2 { unsigned version; uint64_t total, reserved, free, used; };

static int memory(device d, uint64_t *total, uint64_t *used, uint64_t *reserved) {
    int code = give(d, V_memory_total, total);
    if (code == OK) code = give(d, V_memory_used, used);
    if (code == OK && give(d, V_memory_reserved, reserved) != OK) *reserved = 0;
    return code;
}

int nvmlDeviceGetMemoryInfo(device d, struct memory *out) {
    uint64_t total, used, reserved;
    ENTER(d);
    int code = memory(d, &total, &used, &reserved);
    if (code != OK) return code;
    out->total = total;
    out->used = used == UINT64_MAX ? used : used + reserved;
    out->free = total - out->used;
    return OK;
}

int nvmlDeviceGetMemoryInfo_v2(device d, struct memory_v2 *out) {
    ENTER(d);
    if (out->version != (sizeof *out | 2 << 24)) return BAD_VERSION;
    int code = memory(d, &out->total, &out->used, &out->reserved);
    out->free = out->total - out->used - out->reserved;
    return code;
}

int nvmlDeviceGetTemperature(device d, unsigned sensor, unsigned *out) {
    ENTER(d);
    return sensor == 0 ? give_uint(d, V_temperature, out) : INVALID;
}

struct temperature { unsigned version, sensor; int degrees; };

int nvmlDeviceGetTemperatureV(device d, struct temperature *out) {
    ENTER(d);
    if (out->version != (sizeof *out | 1 << 24)) return BAD_VERSION;
    return give_uint(d, V_temperature, (unsigned *)&out->degrees);
}

ONE_NUMBER(nvmlDeviceGetPowerUsage, power)
ONE_NUMBER(nvmlDeviceGetEnforcedPowerLimit, power_limit)
ONE_NUMBER(nvmlDeviceGetPowerManagementLimit, power_limit)
ONE_NUMBER(nvmlDeviceGetFanSpeed, fan)
ONE_NUMBER(nvmlDeviceGetPerformanceState, performance_state)
ONE_NUMBER(nvmlDeviceGetPowerState, performance_state)
ONE_NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, pcie_generation)
ONE_NUMBER(nvmlDeviceGetCurrPcieLinkWidth, pcie_width)

int nvmlDeviceGetClockInfo(device d, unsigned kind, unsigned *out) {
    ENTER(d);
    return give_uint(d, kind == 2 ? V_memory_clock : V_sm_clock, out);
}

int nvmlDeviceGetMaxClockInfo(device d, unsigned kind, unsigned *out) {
    ENTER(d);
    return give_uint(d, kind == 2 ? V_memory_clock_max : V_sm_clock_max, out);
}

int nvmlDeviceGetCurrentClocksThrottleReasons(device d, uint64_t *out) { ENTER(d); return give(d, V_throttle, out); }
int nvmlDeviceGetCurrentClocksEventReasons(device d, uint64_t *out) { ENTER(d); return give(d, V_throttle, out); }

int nvmlDeviceGetTotalEccErrors(device d, unsigned kind, unsigned counter, uint64_t *out) {
    ENTER(d);
    return counter == 0 ? give(d, kind ? V_ecc_uncorrected : V_ecc_corrected, out) : NOT_SUPPORTED;
}

int nvmlDeviceGetRemappedRows(device d, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failed) {
    ENTER(d);
    int code = give_uint(d, V_remapped_corrected, corrected);
    if (code == OK) code = give_uint(d, V_remapped_uncorrected, uncorrected);
    if (code == OK) code = give_uint(d, V_remapped_pending, pending);
    return code == OK ? give_uint(d, V_remapped_failed, failed) : code;
}

int nvmlDeviceGetRetiredPages(device d, unsigned cause, unsigned *n, uint64_t *addresses) {
    ENTER(d);
    unsigned found = 0, room = *n;
    int code = give_uint(d, V_retired_pages, &found);
    if (code != OK) return code;
    if (cause != 0) found = 0; /* all are of the first cause */
    *n = found;
    if (addresses == NULL || room < found) return found ? TOO_SMALL : OK;
    for (unsigned i = 0; i < found; i++) addresses[i] = 0x1000 * (i + 1);
    return OK;
}

int nvmlDeviceGetPcieThroughput(device d, unsigned counter, unsigned *out) {
    ENTER(d);
    return give_uint(d, counter ? V_pcie_received : V_pcie_sent, out);
}

struct field {
    unsigned id, scope;
    int64_t time, latency;
    unsigned type;
    int code;
    uint64_t value;
};

int nvmlDeviceGetFieldValues(device d, int n, struct field *fields) {
    ENTER(d);
    for (int i = 0; i < n + script()->overrun; i++) {
        struct field *f = &fields[i];
        uint64_t found = 0;
        int id = i >= n ? -1 : f->id == 82 ? V_memory_temperature : f->id == 138 ? V_nvlink_sent
                 : f->id == 139 ? V_nvlink_received : -1;
        f->code = id < 0 ? NOT_SUPPORTED : give(d, (enum value_id)id, &found);
        f->time = (int64_t)(now() * 1e6);
        f->type = id == V_memory_temperature ? 1 : 3;
        f->value = f->type == 1 ? (uint64_t)(unsigned)found : found;
    }
    return OK;
}

/* --- its processes --------------------------------------------------------------------------------------- */

struct process_v1 { unsigned pid; uint64_t memory; };
struct process_v2 { unsigned pid; uint64_t memory; unsigned gpu_instance, compute_instance; };
struct process_long { struct process_v2 first; uint64_t protected_memory; };

static int processes(device d, unsigned *n, char *out, int graphics, int version) {
    const struct script *s = script();
    size_t size = version == 1 ? sizeof(struct process_v1)
                  : s->long_processes ? sizeof(struct process_long) : sizeof(struct process_v2);
    unsigned room = *n, found = 0;
    for (int i = 0; i < s->process_count; i++) {
        const struct process *p = &s->processes[i];
        if (p->gpu != d->gpu || p->instance + 1 != d->part || p->graphics != graphics) continue;
        if (out != NULL && found < room) {
            struct process_long entry = { { p->pid, UINT64_MAX, ~0u, ~0u }, 0 };
            if (p->memory.kind != ABSENT) entry.first.memory = figure(&p->memory);
            if (d->part) entry.first.gpu_instance = (unsigned)d->part, entry.first.compute_instance = 0;
            memcpy(out + found * size, &entry, size);
        }
        found++;
    }
    *n = found;
    return found > room ? TOO_SMALL : OK;
}

#define RUNNING(function, graphics, version) \
    int function(device d, unsigned *n, void *out) { ENTER(d); return processes(d, n, out, graphics, version); }
RUNNING(nvmlDeviceGetComputeRunningProcesses, 0, 1)
RUNNING(nvmlDeviceGetComputeRunningProcesses_v2, 0, 2)
RUNNING(nvmlDeviceGetComputeRunningProcesses_v3, 0, 3)
RUNNING(nvmlDeviceGetGraphicsRunningProcesses, 1, 1)
RUNNING(nvmlDeviceGetGraphicsRunningProcesses_v2, 1, 2)
RUNNING(nvmlDeviceGetGraphicsRunningProcesses_v3, 1, 3)

struct sample { unsigned pid; uint64_t time; unsigned sm, memory, encoder, decoder; };

/* A sample a process and tenth of a second, none for a process whose share is left out. */
int nvmlDeviceGetProcessUtilization(device d, struct sample *out, unsigned *n, uint64_t since) {
    ENTER(d);
    if (d->part || part(d)->values[V_mig].a > 0) return NOT_SUPPORTED;
    const struct script *s = script();
    uint64_t tick = (uint64_t)(now() * 10) * 100000;
    unsigned room = out == NULL ? 0 : *n, found = 0;
    for (int i = 0; i < s->process_count; i++) {
        const struct process *p = &s->processes[i];
        if (p->gpu != d->gpu || p->sm.kind == ABSENT || tick <= since) continue;
        for (int old = 1; old >= 0; old--, found++) /* an older one too, which is not to be taken */
            if (found < room) out[found] = (struct sample){ p->pid, tick - 50000u * (unsigned)old, (unsigned)(old ? 1 : figure(&p->sm)), 0, 0, 0 };
    }
    *n = found;
    return found == 0 ? NOT_FOUND : found > room ? TOO_SMALL : OK;
}

/* --- MIG ------------------------------------------------------------------------------------------------- */

int nvmlDeviceGetMigMode(device d, unsigned *mode, unsigned *pending) {
    ENTER(d);
    int code = give_uint(d, V_mig, mode);
    if (code == OK) *pending = *mode;
    return code;
}

int nvmlDeviceGetMaxMigDeviceCount(device d, unsigned *out) {
    ENTER(d);
    *out = part(d)->values[V_mig].kind == ABSENT ? 0 : MAX_INSTANCES;
    return OK;
}

int nvmlDeviceGetMigDeviceHandleByIndex(device d, unsigned index, device *out) {
    ENTER(d);
    if (index >= MAX_INSTANCES || !script()->parts[d->gpu][index + 1].there) return NOT_FOUND;
    *out = &devices[d->gpu][index + 1];
    **out = (struct device){ d->gpu, (int)index + 1 };
    return OK;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(device d, device *out) { ENTER(d); *out = &devices[d->gpu][0]; return OK; }
int nvmlDeviceIsMigDeviceHandle(device d, unsigned *out) { ENTER(d); *out = d->part > 0; return OK; }
int nvmlDeviceGetGpuInstanceId(device d, unsigned *out) { ENTER(d); *out = (unsigned)d->part; return d->part ? OK : NOT_SUPPORTED; }
int nvmlDeviceGetComputeInstanceId(device d, unsigned *out) { ENTER(d); *out = 0; return d->part ? OK : NOT_SUPPORTED; }

/* --- events ---------------------------------------------------------------------------------------------- */

struct set { int registered[MAX_GPUS], told[MAX_XIDS]; double made; };
struct event { device d; uint64_t type, data; unsigned gpu_instance, compute_instance; };

int nvmlEventSetCreate(struct set **out) {
    LIBRARY_RULES;
    *out = calloc(1, sizeof **out);
    (*out)->made = now();
    return OK;
}

int nvmlEventSetFree(struct set *set) { free(set); return OK; }

int nvmlDeviceRegisterEvents(device d, uint64_t types, struct set *set) {
    ENTER(d);
    if (types & 8) set->registered[d->gpu] = 1;
    return OK;
}

static int wait_for(struct set *set, struct event *out, unsigned ms, size_t size) {
    double end = now() + ms / 1e3;
    do {
        const struct script *s = script();
        for (int i = 0; i < s->xid_count; i++) {
            const struct xid *x = &s->xids[i];
            if (set->told[i] || !set->registered[x->gpu] || x->at < set->made || x->at > now()) continue;
            struct event found = { &devices[x->gpu][0], 8, x->code, ~0u, ~0u };
            set->told[i] = 1;
            memcpy(out, &found, size);
            return OK;
        }
        usleep(100000); /* a real driver would sleep: this is not to cost who waits */
    } while (now() < end);
    return TIMEOUT;
}

int nvmlEventSetWait(struct set *set, struct event *out, unsigned ms) { LIBRARY_RULES; return wait_for(set, out, ms, 24); }
int nvmlEventSetWait_v2(struct set *set, struct event *out, unsigned ms) { LIBRARY_RULES; return wait_for(set, out, ms, 32); }
