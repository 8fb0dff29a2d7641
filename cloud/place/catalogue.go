package place

import (
	"context"
	"fmt"

	"edgecloud/store"
)

// Default is one entry of the default catalogue: the nodes that the vendors' documents name (BEC conventions section 11), so that a fresh cloud looks like
// the one its users know. An operator adds and disables sites as needed.
type Default struct {
	Name, Country, CountryName, Area, AreaName, Province, City, CityName string
	Carrier                                                              Carrier
}

// Catalogue lists the default sites.
func Catalogue() []Default {
	china := func(name, area, areaName, province, city, cityName string, c Carrier) Default {
		return Default{name, "CHINA", "中国", area, areaName, province, city, cityName, c}
	}
	return []Default{
		china("cn-hangzhou-cm", "EAST_CHINA", "华东", "zhejiang", "HANGZHOU", "杭州", Mobile),
		china("cn-shanghai-ct", "EAST_CHINA", "华东", "shanghai", "SHANGHAI", "上海", Telecom),
		china("cn-shanghai-cm", "EAST_CHINA", "华东", "shanghai", "SHANGHAI", "上海", Mobile),
		china("cn-yangzhou-cm", "EAST_CHINA", "华东", "jiangsu", "YANGZHOU", "扬州", Mobile),
		china("cn-changzhou1-ix", "EAST_CHINA", "华东", "jiangsu", "CHANGZHOU1", "常州1", TripleLine),
		china("cn-suqian-ct", "EAST_CHINA", "华东", "jiangsu", "SUQIAN", "宿迁", Telecom),
		china("cn-jinan-cm", "NORTH_CHINA", "华北", "shandong", "JINAN", "济南", Mobile),
		china("cn-qingdao-ct", "NORTH_CHINA", "华北", "shandong", "QINGDAO", "青岛", Telecom),
		china("cn-baoding-un", "NORTH_CHINA", "华北", "hebei", "BAODING", "保定", Unicom),
		china("cn-langfang-ct", "NORTH_CHINA", "华北", "hebei", "LANGFANG", "廊坊", Telecom),
		china("cn-taiyuan-cm", "NORTH_CHINA", "华北", "shanxi", "TAIYUAN", "太原", Mobile),
		china("cn-huhehaote-un", "NORTH_CHINA", "华北", "neimenggu", "HUHEHAOTE", "呼和浩特", Unicom),
		china("cn-guangzhou-un", "SOUTH_CHINA", "华南", "guangdong", "GUANGZHOU", "广州", Unicom),
		china("cn-xiangtan-cm", "CENTRAL_CHINA", "华中", "hunan", "XIANGTAN", "湘潭", Mobile),
		china("cn-chengdu-un", "SOUTH_WEST", "西南", "sichuan", "CHENGDU", "成都", Unicom),
		china("cn-kunming-cm", "SOUTH_WEST", "西南", "yunnan", "KUNMING", "昆明", Mobile),
		china("cn-xian-ct", "NORTH_WEST", "西北", "shaanxi", "XIAN", "西安", Telecom),
		china("cn-changchun-ix", "NORTH_EAST", "东北", "jilin", "CHANGCHUN", "长春", TripleLine),
		china("cn-shenyang-un", "NORTH_EAST", "东北", "liaoning", "SHENYANG", "沈阳", Unicom),
		{"sg-singapore-bgp", "SINGAPORE", "新加坡", "SINGAPORE", "新加坡", "singapore", "SINGAPORE", "新加坡", BGP},
		{"us-dallas-bgp", "AMERICA", "美国", "AMERICA", "美国", "texas", "DALLAS", "达拉斯", BGP},
	}
}

// DefaultFlavors lists the shapes of the document's examples: family g4 for general use (1:4) and c2 for computing (1:2).
func DefaultFlavors() []Flavor {
	var all []Flavor
	add := func(family string, cpu, gib int64) {
		all = append(all, Flavor{Name: fmt.Sprintf("bec.%s.c%dm%d", family, cpu, gib), Family: family, VCPUs: cpu, MemoryMiB: gib << 10, Enabled: true})
	}
	for _, cpu := range []int64{1, 2, 4, 8, 16, 32} {
		add("c2", cpu, cpu*2)
		add("g4", cpu, cpu*4)
	}
	return all
}

// AddDefaults brings the default sites and flavors into an empty cloud. In one that has a site it changes nothing: the operator decides what is there.
func (p *Place) AddDefaults(ctx context.Context) error {
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if any, err := tx.NewSelect().Model((*Site)(nil)).Exists(ctx); err != nil || any {
			return err
		}
		tx.AfterCommit(p.forget)
		for _, d := range Catalogue() {
			if _, err := addSite(ctx, tx, d); err != nil {
				return err
			}
		}
		for _, f := range DefaultFlavors() {
			f.UID, f.Created = tx.NewUID(), store.At(tx.Now())
			if _, err := tx.NewInsert().Model(&f).On("CONFLICT (name) DO NOTHING").Exec(ctx); err != nil {
				return fmt.Errorf("add flavor %s: %w", f.Name, err)
			}
		}
		return nil
	})
}

func addSite(ctx context.Context, tx *store.Tx, d Default) (*Site, error) {
	s := &Site{UID: tx.NewUID(), Slug: tx.NewSlug(), Name: d.Name, Country: d.Country, CountryName: d.CountryName, Area: d.Area, AreaName: d.AreaName,
		Province: d.Province, City: d.City, CityName: d.CityName, Carrier: d.Carrier, Enabled: true, Created: store.At(tx.Now())}
	_, err := tx.NewInsert().Model(s).On("CONFLICT (name) DO NOTHING").Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("add site %s: %w", d.Name, err)
	}
	return s, nil
}
