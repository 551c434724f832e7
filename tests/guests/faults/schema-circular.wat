;; Has a config schema that is defined as itself, for ever.
;; schema: { "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }
