# SPDX-License-Identifier: Apache-2.0
"""A scripted client, a scripted backend and the real weir between them."""
