;; Has a config schema that is not JSON.
;; schema: { "type": }
