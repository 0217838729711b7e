/* The one function that Rust's standard library imports from bcryptprimitives.dll, for releases of Wine
 * without that DLL. It passes the request to the documented generator in bcrypt.dll. Tests only. */
#include <windows.h>
#include <bcrypt.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
  while (length > 0) {
    ULONG part = length > 0x100000 ? 0x100000 : (ULONG)length;
    NTSTATUS status = BCryptGenRandom(NULL, data, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG);
    if (!BCRYPT_SUCCESS(status)) {
      return FALSE;
    }
    data += part;
    length -= part;
  }
  return TRUE;
}
