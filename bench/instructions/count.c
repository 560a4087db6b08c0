/*
 * A plug-in for qemu's user mode: counts the instructions of each thread, while they run, in a file that others can read:
 * 64 bits for each thread, the first of which is the main thread. `counter.ts` compiles and reads it.
 * The declarations are those of qemu-plugin.h, version 1, which distributions do not ship with qemu.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define MAX_THREADS 4096

typedef uint64_t plugin_id;
struct qemu_plugin_tb;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*callback)(plugin_id, struct qemu_plugin_tb *));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block, void (*callback)(unsigned, void *), int flags,
                                                 void *data);

EXPORT int qemu_plugin_version = 1;

static uint64_t *counts;

/* Of one thread at a time: each has a number of its own while it runs. */
static void ran(unsigned thread, void *instructions) {
  if (thread < MAX_THREADS) counts[thread] += (uintptr_t)instructions;
}

static void translated(plugin_id id, struct qemu_plugin_tb *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_cb(block, ran, 0, (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int count, char **arguments) {
  (void)info;
  if (count != 1 || strncmp(arguments[0], "counts=", 7) != 0) return -1;
  int file = open(arguments[0] + 7, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (file < 0 || ftruncate(file, MAX_THREADS * sizeof *counts) != 0) return -1;
  counts = mmap(NULL, MAX_THREADS * sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (counts == MAP_FAILED) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
