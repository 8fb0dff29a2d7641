package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"edgecloud/adminclient"
	"edgecloud/control"
)

func adminCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{Use: "admin", Short: "Operate a cloud", Long: `Operate a cloud: the one that runs on --data, or the one that the variables EDGECLOUD_ADMIN_URL,
EDGECLOUD_ACCESS_KEY, EDGECLOUD_SECRET_KEY and EDGECLOUD_CA name.

Exit codes: 1 failed, 2 wrong use, 3 not found, 4 what is there forbids it, 5 not allowed, 6 the control plane does not answer.`}
	c.PersistentFlags().StringVar(&dir, "data", defaultData(), "folder of the cloud on this machine (EDGECLOUD_DATA)")
	connect := func() (*adminclient.Client, error) {
		if url := os.Getenv("EDGECLOUD_ADMIN_URL"); url != "" && !c.PersistentFlags().Changed("data") {
			return newClient(url, os.Getenv("EDGECLOUD_ACCESS_KEY"), os.Getenv("EDGECLOUD_SECRET_KEY"), os.Getenv("EDGECLOUD_CA"))
		}
		return localClient(dir)
	}
	c.AddCommand(adminImageCommand(connect))
	addOperations(c, connect)
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return failed{err, adminclient.ExitUsage} })
	return c
}

// localClient calls the cloud that runs on a data folder.
func localClient(dir string) (*adminclient.Client, error) {
	env, err := control.ReadEnv(dir)
	if err != nil {
		return nil, err
	}
	return newClient(env.Admin, env.AccessKey, env.SecretKey, env.CA)
}

func newClient(url, key, secret, ca string) (*adminclient.Client, error) {
	client := &adminclient.Client{URL: url, AccessKey: key, SecretKey: secret, Now: time.Now}
	if ca == "" {
		return client, nil
	}
	trusting, err := adminclient.Trusting(ca)
	client.HTTP = trusting
	return client, err
}
