Feature: An employee with an active approval reads all data of a composition

  Background:
    Given I am employee "doctor" of my legal entity

  Scenario Outline: all that the rule lists
    Given patient "P" approved read of composition "X" to employee "doctor"
    When I ask to read every <type> in patient "P" in composition "X"
    Then it is permitted by rule_18

    Examples:
      | type |
      | episode |
      | encounter |
      | observation |
      | condition |
      | service_request |
      | diagnostic_report |
      | procedure |
      | medication_administration |
      | care_plan |
      | activity |
      | approval |
      | clinical_impression |
      | medication_request_request |
      | medication_request |
      | medication_dispense |
      | device_request |
      | device_dispense |
      | device_association |
      | detected_issue |

  Scenario: granted to their legal entity
    Given patient "P" approved read of composition "X" to my legal entity
    When I ask to read care_plan "R" in patient "P" in composition "X"
    Then it is permitted by rule_18

  Scenario: until just before it ends
    Given patient "P" approved read of composition "X" to employee "doctor" that ends in a second
    When I ask to read care_plan "R" in patient "P" in composition "X"
    Then it is permitted by rule_18

  Scenario: not at the instant of its end
    Given patient "P" approved read of composition "X" to employee "doctor" that ends now
    When I ask to read care_plan "R" in patient "P" in composition "X"
    Then it is refused as no_rule_matched

  Scenario Outline: an approval that is not active
    Given patient "P" approved read of composition "X" to employee "doctor"
    And the approval is <status>
    When I ask to read care_plan "R" in patient "P" in composition "X"
    Then it is refused as no_rule_matched

    Examples:
      | status |
      | new |
      | expired |
      | terminated |

  Scenario: not granted to a colleague
    Given patient "P" approved read of composition "X" to employee "colleague"
    When I ask to read care_plan "R" in patient "P" in composition "X"
    Then it is refused as no_rule_matched

  Scenario: not as a former employee
    Given I was employee "former" of my legal entity
    And patient "P" approved read of composition "X" to employee "former"
    When I ask to read care_plan "R" in patient "P" in composition "X"
    Then it is refused as no_rule_matched

  Scenario: not on another one
    Given patient "P" approved read of composition "Y" to employee "doctor"
    When I ask to read care_plan "R" in patient "P" in composition "X"
    Then it is refused as no_rule_matched

  Scenario: the composition itself
    Given patient "P" approved read of composition "X" to employee "doctor"
    When I ask to read composition "X" in patient "P"
    Then it is permitted by rule_18

  Scenario: known of the record
    Given patient "P" approved read of composition "X" to employee "doctor"
    And care_plan "R" of patient "P" with composition "X"
    When I ask to read care_plan "R" in patient "P"
    Then it is permitted by rule_18

  Scenario: not a list of all of the patient
    Given patient "P" approved read of composition "X" to employee "doctor"
    When I ask to read every care_plan in patient "P"
    Then it is refused as no_rule_matched

  Scenario Outline: reading alone
    Given patient "P" approved write of composition "X" to employee "doctor"
    When I ask to <action> care_plan "R" in patient "P" in composition "X"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | write |
      | create |
      | update |
      | delete |
      | action |
