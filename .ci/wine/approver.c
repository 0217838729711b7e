/* Answers questions of garth: makes a named pipe, prints what comes, and gives one answer to each question.
 *
 *   approver NAME ANSWER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include <sddl.h>

int main(int count, char **words) {
    char name[256], line[65536], answer[256];
    DWORD length, written;
    if (count != 3)
        return 2;
    /* Nobody else may change it. */
    SECURITY_ATTRIBUTES security = {sizeof security, NULL, FALSE};
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorA("O:BAG:BAD:(A;;GA;;;BA)(A;;GA;;;SY)", SDDL_REVISION_1,
                                                              &security.lpSecurityDescriptor, NULL))
        return 5;
    snprintf(name, sizeof name, "\\\\.\\pipe\\%s", words[1]);
    HANDLE pipe = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE,
                                   PIPE_TYPE_BYTE | PIPE_WAIT, 1, 65536, 65536, 0, &security);
    if (pipe == INVALID_HANDLE_VALUE)
        return 3;
    puts("listening");
    fflush(stdout);
    if (!ConnectNamedPipe(pipe, NULL) && GetLastError() != ERROR_PIPE_CONNECTED)
        return 4;
    for (DWORD held = 0;;) {
        if (!ReadFile(pipe, line + held, sizeof line - held - 1, &length, NULL) || length == 0)
            return 0;
        held += length;
        line[held] = 0;
        char *end = strchr(line, '\n');
        if (!end)
            continue;
        fputs(line, stdout);
        fflush(stdout);
        char *id = strstr(line, "\"id\":");
        if (strstr(line, "\"event\":\"question\"") && id) {
            int size = snprintf(answer, sizeof answer, "{\"id\":%d,\"answer\":\"%s\"}\n", atoi(id + 5), words[2]);
            WriteFile(pipe, answer, (DWORD)size, &written, NULL);
        }
        held = 0;
    }
}
