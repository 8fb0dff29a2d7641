CREATE INDEX link_specs_image ON link_specs (uid) WHERE kind = 'image';
