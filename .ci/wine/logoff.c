/* Tells garth that the user's session ends, as the system tells each window of the user's: waits for garth's, for long if it has
 * to. Wine has no end of a session in which other programs go on. */
#include <stdio.h>
#include <windows.h>

int main(void) {
    HWND window = NULL;
    int tries;
    for (tries = 0; tries < 6000 && !window; tries++) {
        window = FindWindowExW(NULL, NULL, L"garth-session-end", NULL);
        if (!window)
            Sleep(20);
    }
    if (!window) {
        printf("there is no window\n");
        return 1;
    }
    if (SendMessageW(window, WM_QUERYENDSESSION, 0, 0) != 1) {
        printf("it refuses\n");
        return 2;
    }
    PostMessageW(window, WM_ENDSESSION, 1, 0);
    printf("told\n");
    return 0;
}
