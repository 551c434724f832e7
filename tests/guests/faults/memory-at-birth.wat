;; Begins with 1 GiB of memory.
(memory $memory (export "memory") 16384)
