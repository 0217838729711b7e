/* The one function that Rust's standard library imports from bcryptprimitives.dll, for releases of Wine
 * without that DLL. It passes the request to the generator that `RtlGenRandom` (ntsecapi.h) documents, which is in a DLL that every
 * program has loaded; that of bcrypt.dll would have each program load another library. Tests only. */
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
  while (length > 0) {
    ULONG part = length > 0x100000 ? 0x100000 : (ULONG)length;
    if (!RtlGenRandom(data, part)) {
      return FALSE;
    }
    data += part;
    length -= part;
  }
  return TRUE;
}
