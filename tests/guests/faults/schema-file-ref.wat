;; Has a config schema that would be read from a file.
;; schema: { "$ref": "file:///etc/passwd" }
