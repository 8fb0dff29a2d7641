CREATE INDEX volumes_file ON volumes (file);
