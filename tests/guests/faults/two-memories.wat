;; Has a memory more than a plugin may have.
(memory $second 1)
