;; Has a config schema that looks at each value inside a value twice: 2^60 times for one that is nested
;; 60 levels deep.
;; schema: { "$ref": "#/$defs/n", "$defs": { "n": { "allOf": [{ "properties": { "a": { "$ref": "#/$defs/n" } } }, { "properties": { "a": { "$ref": "#/$defs/n" } } }] } } }
