/* Waits until a file is there: holds FILE. A command inside a sandbox lives for as long as a test needs it. */
#include <windows.h>

int main(int count, char **words) {
    if (count != 2)
        return 2;
    while (GetFileAttributesA(words[1]) == INVALID_FILE_ATTRIBUTES)
        Sleep(50);
    return 0;
}
