CREATE INDEX images_source ON images (source) WHERE status = 'imaging';
