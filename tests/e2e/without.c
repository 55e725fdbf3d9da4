/*
 * without - runs a command on a kernel that lacks something, by a filter that answers ENOSYS.
 *
 *     without landlock clone3 -- pgassay verify drill shop
 *     without landlock?                status 0: this kernel has it
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int         number;
    } known[] = {{"landlock", 444}, {"clone3", SYS_clone3}, {"seccomp", SYS_seccomp}};
    struct sock_filter filter[16];
    struct sock_fprog  program = {.filter = filter};
    int                n = 0, i = 1;

    if (argc == 2 && strcmp(argv[1], "landlock?") == 0) {
        return syscall(444, NULL, 0, 1) > 0 ? 0 : 1;
    }
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                               offsetof(struct seccomp_data, nr));
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
            if (strcmp(argv[i], known[k].name) == 0 && n + 3 < 16) {
                filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                           (unsigned)known[k].number, 0, 1);
                filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                                           SECCOMP_RET_ERRNO | ENOSYS);
            }
        }
    }
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    program.len = (unsigned short)n;
    if (i + 1 >= argc || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("without");
        return 125;
    }
    execvp(argv[i + 1], argv + i + 1);
    perror(argv[i + 1]);
    return 127;
}
