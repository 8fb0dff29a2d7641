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
	ProvinceName, ShortName                                              string // of the province in its own script, and of the city in names of instances
}

// Catalogue lists the default sites.
func Catalogue() []Default {
	china := func(name, area, areaName, province, city, cityName string, c Carrier, provinceName, shortName string) Default {
		return Default{name, "CHINA", "中国", area, areaName, province, city, cityName, c, provinceName, shortName}
	}
	return []Default{
		china("cn-hangzhou-cm", "EAST_CHINA", "华东", "zhejiang", "HANGZHOU", "杭州", Mobile, "浙江", "HZ"),
		china("cn-shanghai-ct", "EAST_CHINA", "华东", "shanghai", "SHANGHAI", "上海", Telecom, "上海", "SH"),
		china("cn-shanghai-cm", "EAST_CHINA", "华东", "shanghai", "SHANGHAI", "上海", Mobile, "上海", "SH"),
		china("cn-yangzhou-cm", "EAST_CHINA", "华东", "jiangsu", "YANGZHOU", "扬州", Mobile, "江苏", "YZ"),
		china("cn-changzhou1-ix", "EAST_CHINA", "华东", "jiangsu", "CHANGZHOU1", "常州1", TripleLine, "江苏", "CZ"),
		china("cn-suqian-ct", "EAST_CHINA", "华东", "jiangsu", "SUQIAN", "宿迁", Telecom, "江苏", "SQ"),
		china("cn-jinan-cm", "NORTH_CHINA", "华北", "shandong", "JINAN", "济南", Mobile, "山东", "JN"),
		china("cn-qingdao-ct", "NORTH_CHINA", "华北", "shandong", "QINGDAO", "青岛", Telecom, "山东", "QD"),
		china("cn-baoding-un", "NORTH_CHINA", "华北", "hebei", "BAODING", "保定", Unicom, "河北", "BD"),
		china("cn-langfang-ct", "NORTH_CHINA", "华北", "hebei", "LANGFANG", "廊坊", Telecom, "河北", "LF"),
		china("cn-taiyuan-cm", "NORTH_CHINA", "华北", "shanxi", "TAIYUAN", "太原", Mobile, "山西", "TY"),
		china("cn-huhehaote-un", "NORTH_CHINA", "华北", "neimenggu", "HUHEHAOTE", "呼和浩特", Unicom, "内蒙古", "HHHT"),
		china("cn-guangzhou-un", "SOUTH_CHINA", "华南", "guangdong", "GUANGZHOU", "广州", Unicom, "广东", "GZ"),
		china("cn-xiangtan-cm", "CENTRAL_CHINA", "华中", "hunan", "XIANGTAN", "湘潭", Mobile, "湖南", "XT"),
		china("cn-chengdu-un", "SOUTH_WEST", "西南", "sichuan", "CHENGDU", "成都", Unicom, "四川", "CD"),
		china("cn-kunming-cm", "SOUTH_WEST", "西南", "yunnan", "KUNMING", "昆明", Mobile, "云南", "KM"),
		china("cn-xian-ct", "NORTH_WEST", "西北", "shaanxi", "XIAN", "西安", Telecom, "陕西", "XA"),
		china("cn-changchun-ix", "NORTH_EAST", "东北", "jilin", "CHANGCHUN", "长春", TripleLine, "吉林", "CC"),
		china("cn-shenyang-un", "NORTH_EAST", "东北", "liaoning", "SHENYANG", "沈阳", Unicom, "辽宁", "SY"),
		{"sg-singapore-bgp", "SINGAPORE", "新加坡", "SINGAPORE", "新加坡", "singapore", "SINGAPORE", "新加坡", BGP, "新加坡", "SG"},
		{"us-dallas-bgp", "AMERICA", "美国", "AMERICA", "美国", "texas", "DALLAS", "达拉斯", BGP, "德克萨斯", "DAL"},
	}
}

// DefaultFlavors lists the shapes of the documents' examples: BEC's families g4 for general use (1:4) and c2 for computing (1:2), and IEC's c6 in both ratios,
// whose names end in the ratio.
func DefaultFlavors() []Flavor {
	var all []Flavor
	add := func(family string, cpu, gib int64) {
		all = append(all, Flavor{Name: fmt.Sprintf("bec.%s.c%dm%d", family, cpu, gib), Family: family, VCPUs: cpu, MemoryMiB: gib << 10, Enabled: true})
	}
	for _, cpu := range []int64{1, 2, 4, 8, 16, 32} {
		add("c2", cpu, cpu*2)
		add("g4", cpu, cpu*4)
	}
	for cpu, size := range map[int64]string{2: "large", 4: "xlarge", 8: "2xlarge", 16: "4xlarge"} {
		for _, ratio := range []int64{2, 4} {
			all = append(all, Flavor{Name: fmt.Sprintf("c6.%s.%d", size, ratio), Family: "c6", VCPUs: cpu, MemoryMiB: cpu * ratio << 10, Enabled: true})
		}
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
		return addFlavors(ctx, tx)
	})
}

// AddDefaultFlavors brings the default flavors into a cloud that has none; one without sites is the operator's to lay out.
func (p *Place) AddDefaultFlavors(ctx context.Context) error {
	return p.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if any, err := tx.NewSelect().Model((*Flavor)(nil)).Exists(ctx); err != nil || any {
			return err
		}
		tx.AfterCommit(p.forget)
		return addFlavors(ctx, tx)
	})
}

func addFlavors(ctx context.Context, tx *store.Tx) error {
	for _, f := range DefaultFlavors() {
		f.UID, f.Created = tx.NewUID(), store.At(tx.Now())
		if _, err := tx.NewInsert().Model(&f).On("CONFLICT (name) DO NOTHING").Exec(ctx); err != nil {
			return fmt.Errorf("add flavor %s: %w", f.Name, err)
		}
	}
	return nil
}

func addSite(ctx context.Context, tx *store.Tx, d Default) (*Site, error) {
	s := &Site{UID: tx.NewUID(), Slug: tx.NewSlug(), Name: d.Name, Country: d.Country, CountryName: d.CountryName, Area: d.Area, AreaName: d.AreaName,
		Province: d.Province, ProvinceName: d.ProvinceName, City: d.City, CityName: d.CityName, ShortName: d.ShortName, Carrier: d.Carrier, Enabled: true,
		Created: store.At(tx.Now())}
	_, err := tx.NewInsert().Model(s).On("CONFLICT (name) DO NOTHING").Exec(ctx)
	if err != nil {
		return nil, fmt.Errorf("add site %s: %w", d.Name, err)
	}
	return s, nil
}
