/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

int main(void)
{
    (void)puts("weir " WEIR_VERSION);
    return 0;
}
